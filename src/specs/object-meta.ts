/** Where something stands in what was read; for messages, never for decisions. */
export interface SourcePosition {
  /** The path as given, or `-` for standard input. */
  readonly file: string;
  /** The document within the file, from 1. */
  readonly document: number;
  /** The line within the file, from 1. */
  readonly line: number;
}

/** The part of a Kubernetes object's `metadata` that matters here. */
export interface ObjectMeta {
  readonly name: string;
  /** `default` where the file names none. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Grows with each change of the spec; 1 for a file that was read once. */
  readonly generation: number;
}

/** What every object that was read has. */
export interface SpecObject<Kind extends string> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly source: SourcePosition;
}
