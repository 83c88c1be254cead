"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], rows = [...body.rows];
  const key = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const compare = (one, two) => {
    const [x, y] = [Number(one), Number(two)];
    return one !== "" && two !== "" && !Number.isNaN(x) && !Number.isNaN(y) ? x - y : one.localeCompare(two);
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.sort((one, two) => (down ? -1 : 1) * compare(key(one, column), key(two, column)));
      body.append(...rows);
    });
  });
  const tools = table.parentElement.querySelector(".tools");
  if (!tools) continue;
  const [input, status] = [tools.querySelector("input"), tools.querySelector("[role=status]")];
  tools.hidden = false;
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    status.textContent = `${shown} of ${rows.length} shown`;
  });
}
