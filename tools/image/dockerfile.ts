/** The last stage of the Dockerfile, read for what an image says of itself. There is one recipe: that file. */

/** `config` of an OCI image. */
export interface ImageConfig {
  readonly User: string;
  readonly WorkingDir: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, object>>;
}

/** Reads the few instructions that the stage has. Throws at any other one, so that none is left out in silence. */
export function readLastStage(dockerfile: string): ImageConfig {
  const lines = dockerfile.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const stage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const [from, copy, ...instructions] = stage;
  if (from !== 'FROM scratch' || copy !== 'COPY --from=build /root-fs /') {
    throw new Error('the last stage of the Dockerfile must copy /root-fs into an empty image, and nothing else');
  }
  const said = new Map<string, string>();
  for (const line of instructions) {
    const name = line.slice(0, line.indexOf(' '));
    if (said.has(name)) throw new Error(`the last stage of the Dockerfile has ${name} twice; write one`);
    said.set(name, line.slice(line.indexOf(' ') + 1));
  }
  const take = (name: string): string => {
    const value = said.get(name);
    if (value === undefined) throw new Error(`the last stage of the Dockerfile has no ${name}`);
    said.delete(name);
    return value;
  };
  const config = {
    User: take('USER'),
    WorkingDir: take('WORKDIR'),
    Env: ['PATH=/usr/bin', ...take('ENV').split(' ')],
    Entrypoint: JSON.parse(take('ENTRYPOINT')) as string[],
    ExposedPorts: Object.fromEntries(
      take('EXPOSE')
        .split(' ')
        .map((port) => [`${port}/tcp`, {}]),
    ),
  };
  const [unknown] = said.keys();
  if (unknown !== undefined) throw new Error(`tools/image/dockerfile.ts cannot read ${unknown}`);
  return config;
}
