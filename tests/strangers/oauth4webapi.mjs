// The certified client `oauth4webapi`, one call for each message; and, as a resource server, its checks of RFC 9068.

import * as oauth from 'oauth4webapi'
import { run, visit } from './dialogue.mjs'

await run(async (told, registered) => {
  const issuer = new URL(told.issuer)
  const client = { client_id: registered.client_id, id_token_signed_response_alg: registered.signing_alg }
  const proof = registered.secret ? oauth.ClientSecretBasic(registered.secret) : oauth.None()
  const api = [{ client_id: told.api.client_id }, oauth.ClientSecretBasic(told.api.secret)]

  // RFC 8414's address first; what OpenID Connect's says has to be the same, and is what we go on with
  const plain = await oauth.processDiscoveryResponse(
    issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }))
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer))
  const introspect = async ([who, how], token) =>
    oauth.processIntrospectionResponse(as, who, await oauth.introspectionRequest(as, who, how, token))
  const refresh = async (token) =>
    oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, proof, token))

  const verifier = oauth.generateRandomCodeVerifier()
  const [state, expectedNonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const front = new URL(as.authorization_endpoint)
  front.search = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: registered.redirect_uri,
    scope: told.scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce: expectedNonce,
    max_age: '3600',
  })
  const answer = oauth.validateAuthResponse(as, client, await visit(front), state) // `iss` too (RFC 9207)
  const redeemed = await oauth.authorizationCodeGrantRequest(
    as, client, proof, answer, registered.redirect_uri, verifier)
  const checks = { expectedNonce, maxAge: 3600, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, redeemed, checks)
  await oauth.validateApplicationLevelSignature(as, redeemed)
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  const userinfo = await oauth.processUserInfoResponse(
    as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token))
  const introspected = await introspect(api, tokens.access_token)
  const askedByTheClient = registered.secret && await introspect([client, proof], tokens.access_token)

  const request = new Request('https://api.test/', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const validated = registered.token_format === 'jwt'
    && await oauth.validateJwtAccessToken(as, request, told.api.client_id)

  const refreshed = await refresh(tokens.refresh_token)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, proof, refreshed.access_token))
  const revoked = await introspect(api, refreshed.access_token)

  const leave = new URL(as.end_session_endpoint)
  leave.search = new URLSearchParams({
    id_token_hint: tokens.id_token, post_logout_redirect_uri: told.after_logout, state: 'bye',
  })
  const ended = await visit(leave)
  const after = await refresh(refreshed.refresh_token).catch((error) => error.error)
  return {
    discovered_alike: JSON.stringify(plain) === JSON.stringify(as),
    claims,
    id_token: tokens.id_token,
    access_token: tokens.access_token,
    scope: tokens.scope,
    userinfo,
    introspected,
    asked_by_the_client: askedByTheClient,
    validated,
    refreshed: refreshed.access_token,
    revoked,
    ended: String(ended),
    after,
  }
})
