// `oauth2-mock-server`, which lets anybody in and believes anything: node mock_server.mjs DIR PORT

import { OAuth2Server } from 'oauth2-mock-server';

const [directory, port] = process.argv.slice(2);
const tls = `${directory}/idp/tls`;
const server = new OAuth2Server(`${tls}/key.pem`, `${tls}/leaf.pem`);
await server.issuer.keys.generate('ES256');
server.issuer.url = `https://localhost:${port}`;
await server.start(Number(port), '127.0.0.1');
