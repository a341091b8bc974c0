import { annotationSchema } from "./annotation-schema.ts";
import {
  about,
  derive,
  type Field,
  object,
  or,
  orEmpty,
  refuse,
  text,
  texts,
  whole,
} from "./field.ts";
import type { ObjectMeta } from "./object-meta.ts";

/** A DNS-1123 subdomain, which Kubernetes asks of the names of objects. */
const objectName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const longestName = 253;

const name: Field<string> = derive(text({ isNeeded: true }), (value, at) => {
  if (value.length <= longestName && objectName.test(value)) return value;
  return refuse(
    at,
    `must have at most ${longestName} characters, lower-case letters, digits, "-" and ".", with a letter or digit at both ends; got ${value.length > 60 ? `${value.length} characters` : JSON.stringify(value)}.`,
  );
});

/** `metadata`; what is not declared belongs to others. */
export const objectMeta: Field<ObjectMeta> = object<ObjectMeta>(
  {
    name: about("The name of the object; unique for its kind within the namespace.", name),
    namespace: or(text(), "default"),
    labels: orEmpty(texts()),
    annotations: { ...orEmpty(texts()), schema: annotationSchema },
    generation: or(whole(0), 1),
  },
  { isOpen: true },
);
