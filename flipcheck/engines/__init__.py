"""Where work runs: threads of this process by default, with the order of results kept."""
