// The certified `oidc-provider`, with what is measured switched on: node oidc_provider.mjs DIR PORT SECRET
//
// Its JWT access tokens leave no trace behind and cannot be introspected; opaque ones can, so both are offered.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

import { Provider } from 'oidc-provider';

const [directory, port, secret] = process.argv.slice(2);
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const client = { client_secret: secret, redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' };
const api = { scope: 'read', audience: 'api', accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } };

const provider = new Provider(`https://localhost:${port}`, {
  clients: [
    { ...client, client_id: 'app', grant_types: ['client_credentials'] },
    { ...client, client_id: 'api', grant_types: [] },
  ],
  jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  scopes: ['openid', 'read'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_, asking) => asking.clientId === 'api' },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => api },
  },
});

const tls = `${directory}/idp/tls`;
createServer({ key: readFileSync(`${tls}/key.pem`), cert: readFileSync(`${tls}/leaf.pem`) }, provider.callback())
  .listen(Number(port), '127.0.0.1');
