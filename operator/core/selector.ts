/** Who may use an object: matches `allowedNamespaces` against the labels of a namespace. */
import type { AllowedNamespaces, LabelSelector } from '../api/common.ts';
import { NAMESPACE_NAME_LABEL } from './names.ts';

type Labels = Readonly<Record<string, string>>;

/** A namespace, as an object of another namespace sees it that may let it in. */
export interface Guest {
  readonly name: string;
  /** Undefined: nobody has told of the namespace yet, though there are objects in it, or it is gone. */
  readonly labels: Labels | undefined;
}

/**
 * Whether an object of the namespace `owner` lets the namespace `guest` use it. Its own may always. One whose labels are
 * not known matches no selector: `NotIn` and `DoesNotExist` would let it in because of labels that it has.
 */
export function allows(allowed: AllowedNamespaces, owner: string, guest: Guest): boolean {
  if (owner === guest.name) return true;
  switch (allowed.from) {
    case 'Same':
      return false;
    case 'All':
      return true;
    case 'Selector': {
      const labels = labelsOf(guest);
      return allowed.selector !== undefined && labels !== undefined && matches(allowed.selector, labels);
    }
  }
}

/** Whether a relay class serves the namespace: it is nobody's own. */
export function serves(allowed: AllowedNamespaces, namespace: Guest): boolean {
  return allows(allowed, '', namespace);
}

function labelsOf({ name, labels }: Guest): Labels | undefined {
  return labels && { ...labels, [NAMESPACE_NAME_LABEL]: name };
}

/** As in Kubernetes: every term must hold; an empty selector matches everything; NotIn holds for an absent label. */
export function matches(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    matchExpressions.every((expression) => holds(expression, labels))
  );
}

function holds(expression: NonNullable<LabelSelector['matchExpressions']>[number], labels: Labels): boolean {
  const { key, operator, values = [] } = expression;
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** `constructor` is no label that anybody has set. */
function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
