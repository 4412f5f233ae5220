# syntax=docker/dockerfile:1
# What `npm pack` publishes, with what it needs at run time, on a Node.js that brings nothing along. `docs/deployment.md` tells how it is used.

FROM node:24-bookworm-slim AS node

FROM node AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY scripts/build.ts scripts/
COPY bin bin/
COPY src src/
RUN npm run build
RUN npm prune --omit=dev --ignore-scripts && find dist node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete

FROM debian:bookworm-slim
COPY --from=node /usr/local/bin/node /usr/local/bin/node
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin lockstep \
  && install --directory --owner lockstep --group lockstep --mode 0750 /data \
  && ln -s /app/bin/lockstep.js /usr/local/bin/lockstep
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/bin bin/
COPY --from=build /build/node_modules node_modules/
COPY --from=build /build/dist dist/
ENV NODE_ENV=production LISTEN=0.0.0.0 LOCKSTEP_DATA=/data
USER 10001:10001
VOLUME /data
EXPOSE 7001 8001 9001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["lockstep", "healthcheck"]
ENTRYPOINT ["node", "/app/bin/lockstep.js"]
CMD ["node"]
