# A small image that runs as a user of its own. Build: docker build -t chaperone .
# Run: docker run -v chaperone:/data -e CHAPERONE_KEY chaperone   (the volume holds chaperone.toml and the database)
FROM python:3.11-slim

RUN useradd --create-home --uid 10001 chaperone && install -d -o chaperone /data /src
COPY --chown=chaperone . /src
USER chaperone
ENV PATH=/home/chaperone/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
RUN python -m venv /home/chaperone/venv \
 && pip install --extra-index-url https://download.pytorch.org/whl/cpu /src

WORKDIR /data
HEALTHCHECK --interval=1m CMD ["chaperone", "status", "--json"]
ENTRYPOINT ["chaperone"]
CMD ["run"]
