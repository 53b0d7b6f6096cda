/** A credentials Secret as the core sees it, from what is in its file and what is to be written there. */
import { isRetained } from '../core/credentials/ownership.ts';
import type { SecretPlan, SecretView } from '../core/model.ts';
import type { Installation } from '../installation.ts';
import { classify } from '../manifests/classify.ts';
import type { NamedObject } from '../manifests/classify.ts';
import { parseManifests } from '../manifests/parse.ts';
import { readFormatted } from '../manifests/read-formatted.ts';
import { controllerOf, viewOwnSecret } from '../manifests/secrets.ts';
import { secretPath } from './state-files.ts';

interface FilePlace {
  readonly file: string;
  /** From the folder of Secrets. */
  readonly path: string;
  readonly installation: Installation;
}

/** The Secret in a text; undefined where it is something else. One in the wrong place could stand in for another. */
export function viewText(text: string, { file, path, installation }: FilePlace): SecretView | undefined {
  const [manifest, ...others] = objectsIn(file, text);
  if (manifest?.kind !== 'Secret' || others.length > 0 || secretPath(manifest) !== path) return undefined;
  const view = { ...viewOwnSecret(manifest), verifiers: {} };
  const controller = controllerOf(manifest);
  if (controller === undefined) return view;
  // in a state folder that came from elsewhere, it is owned by somebody who is not here
  const { controllerUid: _, ...unowned } = view;
  return controller.uid === installation.uidOf('SmtpPlusUser', view.namespace, controller.name) ? view : unowned;
}

/** As written here it is read at once; as a person has left it, as any manifest is. */
function objectsIn(file: string, text: string): readonly NamedObject[] {
  const read = classify(readFormatted(text));
  return read.as === 'manifest' ? [read.object] : parseManifests(file, text).manifests;
}

export function viewPlan({ owner, ...secret }: SecretPlan): SecretView {
  const retained = isRetained(secret) && { retainedFor: owner.name };
  return { ...secret, controllerUid: owner.uid, ...retained, verifiers: {} };
}
