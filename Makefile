# make COMMAND is short for python3 run.py COMMAND: see there what it does, and which settings it knows.
#
#   PYTHON   the Python that .venv is made with, e.g. make book PYTHON=python3.12

PYTHON ?= python3
COMMANDS := book test coverage invited explore lowest fonts paint draft serve offline pdf sheets slides edition manifest \
  verify downloads release links notebooks bench rooms digits seeds record lint clean

.PHONY: help $(COMMANDS)
# All of them install into the same .venv.
.NOTPARALLEL:

help $(COMMANDS):
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "Python 3.11 or newer is needed, and there is no $(PYTHON): install it, or name one with make PYTHON=..."; exit 1; }
	@"$(PYTHON)" run.py $(filter-out help,$@)
