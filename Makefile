# The two commands of the README are `make demo` and `make test`; the work is in tools/bootstrap.py,
# which Windows users start themselves: python tools/bootstrap.py demo
PYTHON ?= python3
REPORT_LANG ?=
DEMO_ARGS ?=
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

demo: ## set up and audit the bundled sample; REPORT_LANG=en for an English report
	@$(PYTHON) tools/bootstrap.py demo $(if $(REPORT_LANG),--lang $(REPORT_LANG)) $(DEMO_ARGS)

test: ## set up and run the tests; PYTEST_ARGS="-k cohorts" for some of them
	@$(PYTHON) tools/bootstrap.py test $(PYTEST_ARGS)

check: ## what CI asks of a change: style, types, tests
	@$(PYTHON) tools/bootstrap.py check

lock: ## resolve the requirements again (needs uv); UPGRADE=1 takes newer versions
	@$(PYTHON) tools/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove what was built; your audits stay
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
