# The kit in a container: a small base, no root, no network while it works.
#   docker build -t km-audit .
#   docker run --rm --network none -v "$PWD/acme:/data/acme" km-audit run acme
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/km-audit

# Packages first: this layer is made anew only when the lock changes.
COPY requirements.lock ./
RUN pip install --require-hashes --only-binary=:all: -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY audit audit
COPY notebooks notebooks
COPY templates templates
COPY data_samples data_samples
RUN pip install --no-deps --no-build-isolation . \
    && useradd --create-home --uid 1000 auditor \
    && mkdir /data && chown auditor /data

USER auditor
WORKDIR /data
ENTRYPOINT ["km-audit"]
CMD ["--help"]
