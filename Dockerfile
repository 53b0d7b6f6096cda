# One image for the operator and the relay: docker build -t smtp-plus:0.1.0 .
# Node of the version that tools/node24 locks. No package's script runs: lmdb brings its native code prebuilt.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/node24 tools/node24
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

# What is not in the bundle: lmdb alone.
FROM node:${NODE_VERSION}-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/node24 tools/node24
RUN npm ci --ignore-scripts --omit=dev

FROM node:${NODE_VERSION}-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# A number, so that runAsNonRoot can be checked. The files are root's: the process writes to mounted volumes only.
USER 65532:65532
EXPOSE 2525 9465
ENTRYPOINT ["node", "/app/dist/cli.js"]
