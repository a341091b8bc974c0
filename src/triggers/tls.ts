import { type ConnectionOptions, rootCertificates } from "node:tls";

/** What metadata says about TLS; texts are PEM. */
export interface TlsTexts {
  readonly ca?: string | null;
  readonly cert?: string | null;
  readonly key?: string | null;
  readonly keyPassword?: string | null;
  /** Certificates are not checked. */
  readonly unsafeSsl?: boolean | null;
}

/** TLS as Node takes it. An authority of one's own is trusted beside the usual ones, as with KEDA. */
export function tlsOptions(texts: TlsTexts): ConnectionOptions {
  const { ca, cert, key, keyPassword, unsafeSsl } = texts;
  return {
    ...(ca ? { ca: [...rootCertificates, ca] } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(keyPassword ? { passphrase: keyPassword } : {}),
    ...(unsafeSsl ? { rejectUnauthorized: false } : {}),
  };
}
