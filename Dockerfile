# The image of mas: docker build -t mas:0.2.0 .
# Alone: docker run -p 7080:7080 -v mas:/var/lib/mas mas:0.2.0
# It needs no root, and nothing writable but /var/lib/mas: docker run --read-only works.

FROM debian:bookworm-slim AS build
WORKDIR /src
# The packages change less often than the sources: a layer of their own.
COPY dev ./
RUN ./dev deps build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc \
    && cmake --build --preset release --target mas \
    && DESTDIR=/out cmake --install build/release --strip

FROM debian:bookworm-slim
# One package for each library that mas links; test/chart/image_test.py compares.
RUN apt-get update -q \
    && apt-get install -qy --no-install-recommends \
        ca-certificates \
        libboost-json1.81.0 \
        libboost-url1.81.0 \
        libbson-1.0-0 \
        libhiredis0.14 \
        libjerasure2 \
        liblz4-1 \
        libmimalloc2.0 \
        libmongoc-1.0-0 \
        libprometheus-cpp-core1.0 \
        librabbitmq4 \
        librocksdb7.8 \
        libspdlog1.10 \
        libssl3 \
        libxxhash0 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/mas
COPY --from=build /out/ /
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
# For commands run inside: docker exec ... mas status
ENV MAS_SYSTEM_TOKEN_FILE=/var/lib/mas/data/system-token
WORKDIR /var/lib/mas
VOLUME /var/lib/mas
EXPOSE 7080
STOPSIGNAL SIGTERM
ENTRYPOINT ["mas"]
CMD ["serve", "--data", "/var/lib/mas/data", "--listen", "0.0.0.0:7080"]
