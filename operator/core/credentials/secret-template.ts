/** What people add to a credentials Secret, and what has to be removed once they no longer ask for it. */
import { z } from 'zod';
import { parseJson } from '../../api/plain-data.ts';
import type { SecretTemplate } from '../../api/secret-template.ts';
import type { SecretPlan, SecretView } from '../model.ts';
import { OWNER_ANNOTATION, TEMPLATE_ANNOTATION } from '../names.ts';

type Content = Pick<SecretPlan, 'labels' | 'annotations' | 'data'>;

/** The content with what the template adds; where both have a key, the operator's counts. */
export function withTemplate({ labels, annotations, data }: Content, template: SecretTemplate | undefined): Content {
  const { labels: moreLabels = {}, annotations: moreAnnotations = {}, keys = {} } = template ?? {};
  const added = { labels: Object.keys(moreLabels).sort(), annotations: Object.keys(moreAnnotations).sort() };
  const isAny = added.labels.length > 0 || added.annotations.length > 0;
  const repeated = Object.entries(keys).flatMap(([key, from]) => {
    // a relay with a public certificate has no `ca.crt`
    const value = data[from];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    labels: { ...moreLabels, ...labels },
    annotations: {
      ...moreAnnotations,
      ...annotations,
      ...(isAny && { [TEMPLATE_ANNOTATION]: JSON.stringify(added) }),
    },
    data: { ...Object.fromEntries(repeated), ...data },
  };
}

const recordSchema = z.object({ labels: z.array(z.string()), annotations: z.array(z.string()) });

/**
 * Labels and annotations of a Secret that came from a template, or are the operator's, and are not planned any more. Those
 * that somebody else has put there stay: the Secret itself says which came from a template, and who forges that can only
 * remove what he could anyhow.
 */
export function leftovers(
  view: Pick<SecretView, 'annotations' | 'labels'>,
  plan: Pick<SecretPlan, 'annotations' | 'labels'>,
): { readonly labels: readonly string[]; readonly annotations: readonly string[] } {
  const text = view.annotations[TEMPLATE_ANNOTATION] ?? '';
  const added = recordSchema.safeParse(parseJson(text)).data ?? { labels: [], annotations: [] };
  return {
    labels: added.labels.filter((key) => Object.hasOwn(view.labels, key) && !Object.hasOwn(plan.labels, key)),
    annotations: [...added.annotations, TEMPLATE_ANNOTATION, OWNER_ANNOTATION].filter(
      (key) => Object.hasOwn(view.annotations, key) && !Object.hasOwn(plan.annotations, key),
    ),
  };
}
