/**
 * Whose a credentials Secret is. Mostly an owner reference says so, which has the garbage collector delete it with its
 * user; one that is to outlive its user says it in an annotation. Where a restored backup has neither, the labels tell whom
 * it was made for. Whoever may write the Secret can forge all of these: what the password in it is worth, its record says.
 */
import { z } from 'zod';
import type { ObjectMeta, SecretPlan, SecretView } from '../model.ts';
import {
  CREDENTIALS_ANNOTATION,
  MANAGED_BY,
  MANAGED_BY_LABEL,
  OWNER_ANNOTATION,
  SECRET_TYPE,
  USER_LABEL,
} from '../names.ts';

type Owner = Pick<ObjectMeta, 'name' | 'uid'>;

/** Kubernetes refuses longer label values: the Secret of a user with a longer name does not say whose it is. */
export const LABEL_MAX = 63;

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
export function belongsTo(secret: SecretView, user: Owner): boolean {
  const { controllerUid, retainedFor } = secret;
  if (controllerUid !== undefined) return controllerUid === user.uid || retainedFor === user.name;
  return secret.isOthers !== true && isMadeFor(secret, user);
}

/** Whether a Secret that nobody owns was made for the user of this name. */
function isMadeFor({ labels, annotations, type }: SecretView, { name }: Owner): boolean {
  if (labels[MANAGED_BY_LABEL] !== MANAGED_BY || type !== SECRET_TYPE) return false;
  const user = labels[USER_LABEL];
  if (user !== undefined || name.length <= LABEL_MAX) return user === name;
  return annotations[CREDENTIALS_ANNOTATION] !== undefined;
}
