/** What the codes of a failed connection over TLS mean; the code of any other failure is told as it is. */
const meanings = new Map([
  ['EPROTO', 'it does not speak TLS'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'it does not speak TLS'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'it does not speak TLS'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is of a CA that is not known here'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is of a CA that is not known here'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is of a CA that is not known here'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its certificate is of a CA that is not known here'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is of a CA that is not known here'],
  ['CERT_SIGNATURE_FAILURE', 'its certificate was not made by the CA it names'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
  ['INVALID_PURPOSE', 'its certificate is for another purpose'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for other names than the one it was reached by'],
])

export const tlsFault = (code: string): string | null => {
  const meaning = meanings.get(code)
  return meaning === undefined ? null : `${meaning} (${code})`
}
