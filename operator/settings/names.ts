/** Which setting somebody meant who wrote one that does not exist. */
import { z } from 'zod';
import { formatPath, type Path } from '../api/path.ts';
import { mostSimilar } from '../check/similar.ts';
import { settingsSchema } from './settings.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** The right name, or the right place for a name that exists elsewhere; undefined where nothing comes near. */
export function similarSetting(path: Path): string | undefined {
  const root = z.toJSONSchema(settingsSchema, { io: 'input' }) as Schema;
  const around = path.slice(0, -1);
  const name = String(path.at(-1));
  const siblings = settingsIn(path.length === 0 ? root : at(root, around));
  const similar = mostSimilar(name, Object.keys(siblings));
  if (similar !== undefined) return formatPath([...around, similar]);
  // a class of the file is more helpful than CLASS
  const className = path[0] === 'classes' && typeof path[1] === 'string' ? path[1] : 'default';
  return placesOf(name, root, [], className)[0];
}

function settingsIn(schema: Schema | undefined): Readonly<Record<string, Schema>> {
  const alternatives = (schema?.anyOf ?? []).map(settingsIn);
  return Object.assign({}, schema?.properties, ...alternatives) as Readonly<Record<string, Schema>>;
}

function at(root: Schema, path: Path): Schema | undefined {
  return path.reduce<Schema | undefined>((schema, step) => {
    if (schema === undefined) return undefined;
    if (typeof step === 'number') return schema.items;
    return settingsIn(schema)[step] ?? (schema.additionalProperties || undefined);
  }, root);
}

function placesOf(name: string, schema: Schema, path: Path, className: string): string[] {
  const below = Object.entries(settingsIn(schema)).flatMap(([field, inner]) => {
    const place = [...path, field];
    return field === name ? [formatPath(place)] : placesOf(name, inner, place, className);
  });
  const isOfClasses = path.length === 1 && path[0] === 'classes' && schema.additionalProperties;
  return isOfClasses ? [...below, ...placesOf(name, isOfClasses, [...path, className], className)] : below;
}
