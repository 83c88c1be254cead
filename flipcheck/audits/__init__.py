"""The audits: values in, a Report out; no files, no runtimes, no terminal."""
