"""`python -m footpath_cli`, and the `footpath` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from footpath_cli._app import app

    app(prog_name="footpath")


if __name__ == "__main__":
    main()
