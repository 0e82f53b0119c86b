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
const okp = (raw) => importJWK({ kty: "OKP", crv: "Ed25519", x: Buffer.from(raw).toString("base64url") }, "Ed25519");

async function jws(token, key, typ) {
  const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: ["Ed25519"] });
  demand(protectedHeader.typ === typ, `not a ${typ}`);
  return JSON.parse(Buffer.from(payload).toString());
}

async function head(note, origin, raw) {
  const [body, tail, ...more] = note.split("\n\n");
  demand(more.length === 0 && tail && /^(— [^\n ]+ [^\n ]+\n)+$/.test(tail) && body.split("\n").length === 3, "not a checkpoint");
  const [name, size, root] = body.split("\n");
  demand(name === origin && /^[1-9][0-9]*$/.test(size), "a head of another log");
  const id = sha256(Buffer.concat([Buffer.from(`${origin}\n\x01`), raw])).subarray(0, 4);
  const mine = tail.split("\n").filter((line) => line.startsWith(`— ${origin} `)).map((line) => base64(line.split(" ")[2]));
  const signature = mine.find((each) => each.subarray(0, 4).equals(id));
  demand(signature, "the log did not sign the head");
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  demand(await crypto.subtle.verify("Ed25519", key, signature.subarray(4), Buffer.from(`${body}\n`)), "the log did not sign the head");
  return { logSize: BigInt(size), logHash: base64(root) };
}

async function audit() {
  const space = Buffer.from(readFileSync(spaceFile, "utf8").trim().split("+").slice(2).join("+"), "base64").subarray(1);
  const register = await jws(text("register.jws"), await okp(space), "yanmen-register+jws");
  const stated = JSON.parse(text("bundle.json"));
  const node = register.parties.find((each) => each.id === stated.node && each.role === "node");
  demand(node && stated.origin.startsWith(`${node.id}.yanmen/`), "the register lists no such node");
  const raw = Buffer.from(node.log_key, "base64url");
  const signer = await okp(Buffer.from(node.signing_key, "base64url"));
  const tree = await head(text("checkpoint"), stated.origin, raw);
  const verifier = async (data, signature) => { await compactVerify(`${data}.${signature}`, signer, { algorithms: ["Ed25519"] }); return true; };
  const sdjwt = new SDJwtInstance({ verifier, hasher: (data) => new Uint8Array(sha256(data)), hashAlg: "sha-256" });
  demand(readdirSync(`${bundle}/leaves`).length === Number(tree.logSize), "not as many leaves as the head covers");
  for (let index = 0; index < Number(tree.logSize); index += 1) {
    const name = String(index).padStart(8, "0");
    const [leaf, receipt] = [text(`leaves/${name}.jws`), text(`receipts/${name}.sdjwt`)];
    demand(receipt.startsWith(`${leaf}~`), "the receipt of another leaf");
    await jws(leaf, signer, "yanmen-receipt+sd-jwt");
    const { payload } = await sdjwt.verify(receipt, { currentDate: 2 ** 40 });
    const disclosed = receipt.split("~").slice(1, -1).map((each) => sha256(each).toString("base64url"));
    const digests = JSON.parse(Buffer.from(leaf.split(".")[1], "base64url"))._sd;
    demand(new Set(disclosed).size === disclosed.length && disclosed.every((each) => digests.includes(each)), "a stray disclosure");
    demand(payload.iss === node.id, "a leaf of another node");
    const [top, ...rest] = text(`receipts/${name}.tlog-proof`).split("\n\n");
    const [version, line, ...path] = top.split("\n");
    demand(version === "c2sp.org/tlog-proof@v1" && line === `index ${index}`, "the proof of another leaf");
    const proven = await head(rest.join("\n\n"), stated.origin, raw);
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
