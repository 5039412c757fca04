"""Invented companies with known diseases: samples to show, to test on, and to measure the audit against.

``generate`` makes a company from a ``CompanySpec``, ``write`` puts it into a folder as a client would send
it, ``generate_lines`` streams as many order lines as a benchmark wants, ``tools.samples.population`` gives
whole populations of healthy and sick companies. ``python -m tools.samples`` makes ``data_samples/`` again,
byte for byte.

The generator knows the truth from its own parameters; it never calls the audit. It may read ``audit.method``
(codes and the catalogue of findings) and nothing further right.
"""

from tools.samples.bulk import generate_lines, write_lines
from tools.samples.company import generate
from tools.samples.files import write
from tools.samples.shipped import SHIPPED
from tools.samples.spec import Company, CompanySpec, Disease

__all__ = ["SHIPPED", "Company", "CompanySpec", "Disease", "generate", "generate_lines", "write", "write_lines"]
