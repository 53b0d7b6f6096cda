/**
 * Whose a credentials Secret is. Mostly an owner reference says so, which has the garbage collector delete it with its
 * user; one that is to outlive its user says it in an annotation. Whoever may write the Secret can forge either.
 */
import { z } from 'zod';
import type { ObjectMeta, SecretPlan, SecretView } from '../model.ts';
import { OWNER_ANNOTATION, SECRET_TYPE } from '../names.ts';

type Owner = Pick<ObjectMeta, 'name' | 'uid'>;

const ownerSchema = z.object({ name: z.string().max(253), uid: z.string().max(128) });

/** The user that a Secret without an owner reference belongs to, or belonged to while there was one. */
export function retainedOwner({ type, annotations }: Pick<SecretView, 'type' | 'annotations'>): Owner | undefined {
  const text = annotations[OWNER_ANNOTATION];
  if (type !== SECRET_TYPE || text === undefined) return undefined;
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function retainedBy({ name, uid }: Owner): Readonly<Record<string, string>> {
  return { [OWNER_ANNOTATION]: JSON.stringify({ name, uid }) };
}

/** Whether a Secret is to outlive its user. */
export function isRetained({ annotations }: Pick<SecretPlan, 'annotations'>): boolean {
  return annotations[OWNER_ANNOTATION] !== undefined;
}

/** A user that is made again has another UID; nobody else can have its name meanwhile. */
export function belongsTo(
  { controllerUid, retainedFor }: Pick<SecretView, 'controllerUid' | 'retainedFor'>,
  { name, uid }: Owner,
): boolean {
  return controllerUid === uid || retainedFor === name;
}
