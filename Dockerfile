# One image for the operator and the relay: docker build -t smtp-plus:0.1.0 .
# `npm run image` makes the same one without a container engine: it lays out the same files, and reads the last stage below
# for the rest. What is in it, and from where, is in tools/image/root-fs.ts.
ARG NODE_VERSION=24.21.0

# Debian's C library goes into the image; Node itself is the one that package-lock.json locks, as everywhere else.
FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY tools/node24 tools/node24
# no package's script runs: lmdb brings its native code prebuilt
RUN npm ci --ignore-scripts
COPY . .
RUN npm run image -- --root-fs /root-fs

FROM scratch
COPY --from=build /root-fs /
WORKDIR /app
# Under a memory limit of 512 MiB, V8 would keep 1 MiB for new objects, and a relay spend a third of its CPU on garbage; without a
# limit 64 MiB, and a relay fills them. glibc would keep what each of a dozen threads has freed.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=16 MALLOC_ARENA_MAX=2
# A number, so that runAsNonRoot can be checked. The files are root's: the process writes to mounted volumes only.
USER 65532:65532
EXPOSE 2525 9465
ENTRYPOINT ["/usr/bin/node", "/app/dist/cli.js"]
