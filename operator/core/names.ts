/** Names that the operator gives to things, and those that it reads from people's objects. */
import { GROUP } from '../api/common.ts';

/** On a SmtpPlusList: it takes the users of its namespace that name no list. */
export const DEFAULT_LIST_ANNOTATION = `${GROUP}/default-list`;
/** On a VerifiedSender: a value that was not there at the last look-up asks for another one at once. */
export const CHECK_NOW_ANNOTATION = `${GROUP}/check-now`;
/** On a VerifiedSender: a value that was not there before asks for another mail with a link and a code. */
export const RESEND_ANNOTATION = `${GROUP}/resend`;
/** On a SmtpPlusUser: a value that was not there before ends its pause. */
export const RESUME_ANNOTATION = `${GROUP}/resume`;
/** On a credentials Secret: which passwords were issued, and when (see password-record.ts). */
export const CREDENTIALS_ANNOTATION = `${GROUP}/credentials`;
/** On a credentials Secret: which labels and annotations `secretTemplate` has put there. */
export const TEMPLATE_ANNOTATION = `${GROUP}/secret-template`;
/** On a credentials Secret that outlives its user: whose it is, in place of an owner reference. */
export const OWNER_ANNOTATION = `${GROUP}/owner`;
/** On a Secret of people: what is in it may be sent to the smart host of a list. */
export const UPSTREAM_LABEL = `${GROUP}/upstream`;
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const MANAGED_BY = 'smtp-plus';
/** On a credentials Secret: the SmtpPlusUser that it belongs to, where its name fits a label. */
export const USER_LABEL = `${GROUP}/user`;
/** Name of the DNSEndpoint of a VerifiedSender, after its own. */
export const ENDPOINT_SUFFIX = '-smtp-plus';
/** Service Binding for Kubernetes: libraries that look for such Secrets find ours. */
export const SECRET_TYPE = 'servicebinding.io/smtp';

/**
 * Key of the class `default`'s built-in list, for users without one of their own. No tenant can make a list of this key:
 * a namespace has no dot in its name.
 */
export const BUILT_IN_LIST = `${GROUP}/default`;
/** User name, list and user object of the operator's own, by which it sends mails. No tenant can take it, for the same reason. */
export const OPERATOR_USER = `${GROUP}/verification`;
export const DEFAULT_CLASS = 'default';

/** Set by the API server on every namespace; folders of manifests have it too, so that selectors mean the same. */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';
