# A small image that runs as a user of its own. Build: docker build -t chaperone .
# Write the config into the volume: docker run -it -v chaperone:/data chaperone init
# Run: docker run -d --restart unless-stopped --env-file .env -v chaperone:/data chaperone   (the database lies there too)
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
