// Checks an audit bundle with jose, @sd-jwt/core and @sigstore/verify. Usage: node audit.mjs BUNDLE SPACE_VKEY
import { readFileSync, readdirSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { compactVerify, importJWK } from "jose";
import { SDJwtInstance } from "@sd-jwt/core";

const { verifyMerkleInclusion } = createRequire(import.meta.url)("./node_modules/@sigstore/verify/dist/tlog/merkle.js");
const [bundle, spaceFile] = process.argv.slice(2);
const text = (name) => readFileSync(`${bundle}/${name}`, "utf8");
const demand = (holds, what) => { if (!holds) throw new Error(what); };
const sha256 = (data) => createHash("sha256").update(data).digest();
// Node decodes whatever looks like base64; what does not encode to the same text again is refused.
const base64 = (text) => { const data = Buffer.from(text, "base64"); demand(data.toString("base64") === text, "base64"); return data; };

// Ed25519 implementations agree on keys that are canonical points of the main subgroup; no other is taken.
const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (number) => ((number % P) + P) % P;
function power(base, exponent) {
  let found = 1n;
  for (base = mod(base); exponent; exponent >>= 1n, base = mod(base * base)) if (exponent & 1n) found = mod(found * base);
  return found;
}
const D = mod(-121665n * power(121666n, P - 2n));
function added([x, y, z], [u, v, w]) { // RFC 8032, section 5.1.4, in projective coordinates
  const a = mod(z * w), b = mod(a * a), c = mod(x * u), d = mod(y * v), e = mod(D * c * d), f = mod(b - e), g = mod(b + e);
  return [mod(a * f * ((x + y) * (u + v) - c - d)), mod(a * g * (d + c)), mod(f * g)];
}
function primeOrder(key) {
  demand(key.length === 32, "a key is not 32 bytes");
  const number = BigInt(`0x${Buffer.from(key).reverse().toString("hex")}`), sign = number >> 255n, y = number & (2n ** 255n - 1n);
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n)), root = power(square, (P + 3n) / 8n);
  const x = mod(root * root) === square ? root : mod(root * power(2n, (P - 1n) / 4n));
  demand(y < P && mod(x * x) === square && (x !== 0n || !sign), "a key is not a canonical point");
  let [total, point] = [[0n, 1n, 1n], [(x & 1n) === sign ? x : P - x, y, 1n]];
  for (let order = L; order; order >>= 1n, point = added(point, point)) if (order & 1n) total = added(total, point);
  demand(y !== 1n && total[0] === 0n && total[1] === total[2], "a key is not of prime order");
  return key;
}

// The key that counts for a leaf, or for a head by its last leaf (docs/FORMATS.md, keys that ended).
const place = (origin, index) => { const [year, more] = origin.split("/").pop().split("-"); return [+year, +(more ?? 1), index]; };
const before = (one, other) => { const at = one.findIndex((each, index) => each !== other[index]); return at >= 0 && one[at] < other[at]; };
const checked = new Map();
function keyAt(party, use, origin, index) {
  const ended = (party.former_keys ?? []).find((each) => each.use === use &&
    before(place(origin, index), place(each.origin, each.index + (use === "receipt" && each.end === "rotated"))));
  const name = ended ? ended.key : party[use === "log" ? "log_key" : "signing_key"];
  if (!checked.has(name)) checked.set(name, primeOrder(Buffer.from(name, "base64url")));
  return checked.get(name);
}
const okp = (raw) => importJWK({ kty: "OKP", crv: "Ed25519", x: Buffer.from(raw).toString("base64url") }, "Ed25519");

async function jws(token, key, typ) {
  const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: ["Ed25519"] });
  demand(protectedHeader.typ === typ, `not a ${typ}`);
  return JSON.parse(Buffer.from(payload).toString());
}

async function head(note, origin, node) {
  const [body, tail, ...more] = note.split("\n\n");
  demand(more.length === 0 && tail && /^(— [^\n ]+ [^\n ]+\n)+$/.test(tail) && body.split("\n").length === 3, "not a checkpoint");
  const [name, size, root] = body.split("\n");
  demand(name === origin && /^[1-9][0-9]*$/.test(size), "a head of another log");
  const raw = keyAt(node, "log", origin, Number(size) - 1);
  const id = sha256(Buffer.concat([Buffer.from(`${origin}\n\x01`), raw])).subarray(0, 4);
  const mine = tail.split("\n").filter((line) => line.startsWith(`— ${origin} `)).map((line) => base64(line.split(" ")[2]));
  const signature = mine.find((each) => each.subarray(0, 4).equals(id));
  demand(signature, "the log did not sign the head");
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  demand(await crypto.subtle.verify("Ed25519", key, signature.subarray(4), Buffer.from(`${body}\n`)), "the log did not sign the head");
  return { logSize: BigInt(size), logHash: base64(root) };
}

async function audit() {
  const space = primeOrder(Buffer.from(readFileSync(spaceFile, "utf8").trim().split("+").slice(2).join("+"), "base64").subarray(1));
  const register = await jws(text("register.jws"), await okp(space), "yanmen-register+jws");
  const stated = JSON.parse(text("bundle.json"));
  const node = register.parties.find((each) => each.id === stated.node && each.role === "node");
  demand(node && stated.origin.startsWith(`${node.id}.yanmen/`), "the register lists no such node");
  const tree = await head(text("checkpoint"), stated.origin, node);
  let signer;
  const verifier = async (data, signature) => { await compactVerify(`${data}.${signature}`, signer, { algorithms: ["Ed25519"] }); return true; };
  const sdjwt = new SDJwtInstance({ verifier, hasher: (data) => new Uint8Array(sha256(data)), hashAlg: "sha-256" });
  demand(readdirSync(`${bundle}/leaves`).length === Number(tree.logSize), "not as many leaves as the head covers");
  for (let index = 0; index < Number(tree.logSize); index += 1) {
    const name = String(index).padStart(8, "0");
    const [leaf, receipt] = [text(`leaves/${name}.jws`), text(`receipts/${name}.sdjwt`)];
    demand(receipt.startsWith(`${leaf}~`), "the receipt of another leaf");
    signer = await okp(keyAt(node, "receipt", stated.origin, index));
    await jws(leaf, signer, "yanmen-receipt+sd-jwt");
    const { payload } = await sdjwt.verify(receipt, { currentDate: 2 ** 40 });
    const disclosed = receipt.split("~").slice(1, -1).map((each) => sha256(each).toString("base64url"));
    const digests = JSON.parse(Buffer.from(leaf.split(".")[1], "base64url"))._sd;
    demand(new Set(disclosed).size === disclosed.length && disclosed.every((each) => digests.includes(each)), "a stray disclosure");
    demand(payload.iss === node.id, "a leaf of another node");
    const [top, ...rest] = text(`receipts/${name}.tlog-proof`).split("\n\n");
    const [version, line, ...path] = top.split("\n");
    demand(version === "c2sp.org/tlog-proof@v1" && line === `index ${index}`, "the proof of another leaf");
    const proven = await head(rest.join("\n\n"), stated.origin, node);
    demand(proven.logSize === tree.logSize && proven.logHash.equals(tree.logHash), "a proof under another head");
    const hashes = path.map(base64);
    verifyMerkleInclusion({ inclusionProof: { logIndex: String(index), hashes }, canonicalizedBody: Buffer.from(leaf) }, proven);
  }
  return `VALID: ${tree.logSize} leaves of ${stated.origin}`;
}

try {
  console.log(await audit());
} catch (error) {
  console.error(`NOT VALID: ${error.message}`);
  process.exit(1);
}
