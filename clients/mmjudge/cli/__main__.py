"""`python -m mmjudge.cli`, for when the script is not on the path."""

from mmjudge.cli import main

main()
