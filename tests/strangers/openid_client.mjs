// The certified relying party `openid-client`: what an application in JavaScript would use.

import * as client from 'openid-client'
import { run, visit } from './dialogue.mjs'

await run(async (told, registered) => {
  const issuer = new URL(told.issuer)
  const proof = registered.secret ? client.ClientSecretBasic(registered.secret) : client.None()
  const expected = { id_token_signed_response_alg: registered.signing_alg, use_mtls_endpoint_aliases: false }
  const config = await client.discovery(issuer, registered.client_id, expected, proof)
  client.enableNonRepudiationChecks(config) // the ID token's signature, though it came over TLS
  const api = await client.discovery(issuer, told.api.client_id, {}, client.ClientSecretBasic(told.api.secret))

  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
  const callback = await visit(client.buildAuthorizationUrl(config, {
    redirect_uri: registered.redirect_uri,
    scope: told.scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    max_age: '3600',
  }))
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 3600, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, callback, checks)
  const claims = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  const introspected = await client.tokenIntrospection(api, tokens.access_token)
  const askedByTheClient = registered.secret && await client.tokenIntrospection(config, tokens.access_token)

  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
  await client.tokenRevocation(config, refreshed.access_token)
  const revoked = await client.tokenIntrospection(api, refreshed.access_token)

  const ended = await visit(client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: told.after_logout,
    state: 'bye',
  }))
  const after = await client.refreshTokenGrant(config, refreshed.refresh_token).catch((error) => error.error)
  return {
    claims,
    id_token: tokens.id_token,
    access_token: tokens.access_token,
    scope: tokens.scope,
    userinfo,
    introspected,
    asked_by_the_client: askedByTheClient,
    refreshed: refreshed.access_token,
    revoked,
    ended: String(ended),
    after,
  }
})
