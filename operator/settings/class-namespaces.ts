/** Which namespaces a relay class serves, in the settings file. */
import { z } from 'zod';
import { labelSelector, takesItsValues } from '../api/common.ts';

const { matchLabels, matchExpressions } = labelSelector.shape;
const expression = matchExpressions.unwrap().element;

/** As in the kinds, where an API server drops what it does not know: here a slip must not let anybody in. */
const selector = z.strictObject({
  matchLabels,
  matchExpressions: z
    .array(
      expression.strict().refine(takesItsValues, {
        path: ['values'],
        message: 'must be set for the operators In and NotIn, and for no other',
      }),
    )
    .max(16)
    .optional(),
});

export const classNamespaces = z
  .strictObject({
    from: z.enum(['All', 'Selector']).default('All').describe('All, or the namespaces that `selector` matches'),
    selector: selector
      .optional()
      .describe(
        'Labels of the namespaces: `matchLabels` and `matchExpressions`, as everywhere in Kubernetes. The label `kubernetes.io/metadata.name` is the name of the namespace',
      ),
  })
  .refine((one) => (one.selector !== undefined) === (one.from === 'Selector'), {
    path: ['selector'],
    message: 'and `from: Selector` go together; set both, or neither',
  })
  .prefault({})
  .describe(
    'Namespaces that may use the class: lists of others are not accepted, and users of others cannot join a list of the class, nor the built-in list if this is the class `default`. Default: all',
  );
