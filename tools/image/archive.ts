/**
 * An image as one file: an OCI layout in a tar, with the manifest of `docker save` beside it, so that docker, podman,
 * containerd, kind and k3d all load it. The same files give the same octets.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ImageConfig } from './dockerfile.ts';

/** Twice what the image may have. */
const LAYER_MAX = 400 * 1024 * 1024;
const MEDIA_TYPE = 'application/vnd.oci.image';
/** Whatever names, times and owners the files have here. */
const TAR = ['--create', '--format=ustar', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

export interface ImageDescription {
  /** `NAME:TAG`. */
  readonly name: string;
  readonly config: ImageConfig;
  readonly labels: Readonly<Record<string, string>>;
  readonly created: Date;
  /** Level of gzip: 0 for speed, 9 for size. */
  readonly level: number;
  /** Members of the root folder, a layer each: what changes least comes first. */
  readonly layers: readonly (readonly string[])[];
}

interface Blob {
  readonly bytes: Buffer;
  readonly digest: string;
}

/** Writes the archive. Gives the digest of the image, and how large its files are. */
export function writeArchive(file: string, rootFs: string, image: ImageDescription): { digest: string; bytes: number } {
  const tars = image.layers.map((members) => tar(rootFs, members));
  const layers = tars.map((bytes) => blob(gzipSync(bytes, { level: image.level })));
  const config = blob(json(configOf(image, tars)));
  const manifest = blob(
    json({
      schemaVersion: 2,
      mediaType: `${MEDIA_TYPE}.manifest.v1+json`,
      config: { mediaType: `${MEDIA_TYPE}.config.v1+json`, ...describe(config) },
      layers: layers.map((layer) => ({ mediaType: `${MEDIA_TYPE}.layer.v1.tar+gzip`, ...describe(layer) })),
    }),
  );
  const folder = mkdtempSync(path.join(tmpdir(), 'smtp-plus-image-'));
  try {
    mkdirSync(path.join(folder, 'blobs/sha256'), { recursive: true });
    for (const { bytes, digest } of [config, manifest, ...layers]) writeFileSync(placeOf(folder, digest), bytes);
    writeFileSync(path.join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
    writeFileSync(path.join(folder, 'index.json'), json(indexOf(image, manifest)));
    const loaded = { Config: placeOf('', config.digest), RepoTags: [image.name] };
    const Layers = layers.map(({ digest }) => placeOf('', digest));
    writeFileSync(path.join(folder, 'manifest.json'), json([{ ...loaded, Layers }]));
    writeFileSync(file, tar(folder, ['oci-layout', 'index.json', 'manifest.json', 'blobs']));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { digest: manifest.digest, bytes: tars.reduce((sum, { length }) => sum + length, 0) };
}

function configOf({ config, labels, created }: ImageDescription, tars: readonly Buffer[]): unknown {
  return {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: created.toISOString(),
    config: { ...config, Labels: labels },
    rootfs: { type: 'layers', diff_ids: tars.map((bytes) => blob(bytes).digest) },
    history: tars.map(() => ({ created: created.toISOString(), created_by: 'npm run image' })),
  };
}

function indexOf({ name }: ImageDescription, manifest: Blob): unknown {
  const annotations = {
    // under which containerd and with it a kubelet knows an image that comes from no registry
    'io.containerd.image.name': name.includes('/') ? name : `docker.io/library/${name}`,
    'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
  };
  const entry = { mediaType: `${MEDIA_TYPE}.manifest.v1+json`, ...describe(manifest), annotations };
  return { schemaVersion: 2, mediaType: `${MEDIA_TYPE}.index.v1+json`, manifests: [entry] };
}

function tar(folder: string, members: readonly string[]): Buffer {
  const args = [...TAR, '--mode=u=rwX,go=rX', '-C', folder, ...members];
  return execFileSync('tar', args, { maxBuffer: LAYER_MAX, env: { ...process.env, LC_ALL: 'C' } });
}

function blob(bytes: Buffer): Blob {
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

function describe({ bytes, digest }: Blob): { digest: string; size: number } {
  return { digest, size: bytes.length };
}

function placeOf(folder: string, digest: string): string {
  return path.join(folder, 'blobs', digest.replace(':', '/'));
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
