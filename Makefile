PYTHON ?= python3
.DEFAULT_GOAL := run
