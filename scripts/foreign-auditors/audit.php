<?php
// Checks an audit bundle with PHP's libsodium. Usage: php audit.php BUNDLE SPACE_VKEY
declare(strict_types=1);

set_error_handler(static function (int $level, string $message): never {
    throw new ErrorException($message);
});

function demand(bool $holds, string $what): void
{
    if (!$holds) {
        throw new UnexpectedValueException($what);
    }
}

function base64(string $text, int $variant = SODIUM_BASE64_VARIANT_ORIGINAL): string
{
    return sodium_base642bin($text, $variant);
}

function base64url(string $text): string
{
    return base64($text, SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING);
}

function signed(string $key, string $message, string $signature): bool
{
    return strlen($signature) === 64 && sodium_crypto_sign_verify_detached($signature, $message, $key);
}

/** A key that is a canonical point of the main subgroup, which this conversion alone demands; on no other do implementations agree. */
function prime_order(string $key): string
{
    sodium_crypto_sign_ed25519_pk_to_curve25519($key);
    return $key;
}

/** Where a leaf stands among all of its node's logs: year, number of the log, leaf. */
function place(string $origin, int $index): array
{
    demand(preg_match('{/([0-9]{4})(?:-([0-9]+))?\z}', $origin, $found) === 1, 'not an origin');
    return [(int) $found[1], (int) ($found[2] ?? 1), $index];
}

/** The key that counts for a leaf, or for a head by its last leaf (docs/FORMATS.md, keys that ended). */
function key_at(array $party, string $use, string $origin, int $index): string
{
    foreach ($party['former_keys'] ?? [] as $each) {
        $bound = $each['index'] + ($use === 'receipt' && $each['end'] === 'rotated' ? 1 : 0);
        if ($each['use'] === $use && (place($origin, $index) <=> place($each['origin'], $bound)) < 0) {
            return prime_order(base64url($each['key']));
        }
    }
    return prime_order(base64url($party[$use === 'log' ? 'log_key' : 'signing_key']));
}

/** The payload of a compact JWS of one type, under one key. */
function jws(string $token, string $key, string $typ): array
{
    $part = explode('.', $token);
    demand(count($part) === 3 && signed($key, "$part[0].$part[1]", base64url($part[2])), "$typ: signature does not verify");
    $header = json_decode(base64url($part[0]), true, 4, JSON_THROW_ON_ERROR);
    demand($header['alg'] === 'Ed25519' && $header['typ'] === $typ && count($header) === 3, "not a $typ");
    return json_decode(base64url($part[1]), true, 16, JSON_THROW_ON_ERROR);
}

/** Size and root of a note that the log signed. */
function head(string $note, string $origin, array $node): array
{
    $form = '/\A(' . preg_quote($origin, '/') . '\n([1-9][0-9]*)\n([^\n]+)\n)\n((?:— [^\n ]+ [^\n ]+\n)+)\z/';
    demand(preg_match($form, $note, $found) === 1, 'not a head of this log');
    $key = key_at($node, 'log', $origin, (int) $found[2] - 1);
    preg_match_all('/^— ' . preg_quote($origin, '/') . ' ([^\n ]+)$/m', $found[4], $lines);
    $id = substr(hash('sha256', "$origin\n\x01$key", true), 0, 4);
    $mine = array_values(array_filter(array_map('base64', $lines[1]), static fn ($line) => str_starts_with($line, $id)));
    demand(count($mine) === 1 && signed($key, $found[1], substr($mine[0], 4)), 'the log did not sign the head');
    return [(int) $found[2], base64($found[3])];
}

/** The root that an audit path leads to (RFC 9162, section 2.1.3.2). */
function climbed(int $node, int $size, string $hash, array $path): string
{
    $last = $size - 1;
    foreach ($path as $sibling) {
        demand($last > 0, 'the path is too long');
        if ($node % 2 === 1 || $node === $last) {
            $hash = hash('sha256', "\x01$sibling$hash", true);
            while ($node % 2 === 0 && $node !== 0) {
                [$node, $last] = [$node >> 1, $last >> 1];
            }
        } else {
            $hash = hash('sha256', "\x01$hash$sibling", true);
        }
        [$node, $last] = [$node >> 1, $last >> 1];
    }
    demand($last === 0, 'the path is too short');
    return $hash;
}

function audit(string $bundle, string $space): string
{
    demand(preg_match('/\A[^+]+\+[0-9a-f]{8}\+([^\n]+)\n\z/', file_get_contents($space), $typed) === 1, 'not a space key');
    $key = prime_order(substr(base64($typed[1]), 1));
    $register = jws(file_get_contents("$bundle/register.jws"), $key, 'yanmen-register+jws');
    $stated = json_decode(file_get_contents("$bundle/bundle.json"), true, 16, JSON_THROW_ON_ERROR);
    $nodes = array_filter($register['parties'], static fn ($each) => $each['id'] === $stated['node'] && $each['role'] === 'node');
    demand(count($nodes) === 1 && str_starts_with($stated['origin'], "{$stated['node']}.yanmen/"), 'the register lists no such node');
    $node = array_values($nodes)[0];
    $origin = $stated['origin'];
    [$size, $root] = head(file_get_contents("$bundle/checkpoint"), $origin, $node);
    demand(count(glob("$bundle/leaves/*.jws")) === $size, 'not as many leaves as the head covers');
    for ($index = 0; $index < $size; $index++) {
        $name = sprintf('%08d', $index);
        $disclosures = explode('~', file_get_contents("$bundle/receipts/$name.sdjwt"));
        $leaf = array_shift($disclosures);
        demand(array_pop($disclosures) === '' && $leaf === file_get_contents("$bundle/leaves/$name.jws"), 'the receipt of another leaf');
        $said = jws($leaf, key_at($node, 'receipt', $origin, $index), 'yanmen-receipt+sd-jwt');
        demand($said['iss'] === $node['id'], 'a leaf of another node');
        $digests = array_map(
            static fn ($each) => sodium_bin2base64(hash('sha256', $each, true), SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING),
            $disclosures
        );
        demand(count(array_unique($digests)) === count($digests) && array_diff($digests, $said['_sd']) === [], 'a stray disclosure');
        [$top, $note] = explode("\n\n", file_get_contents("$bundle/receipts/$name.tlog-proof"), 2);
        $path = explode("\n", $top);
        demand(array_splice($path, 0, 2) === ['c2sp.org/tlog-proof@v1', "index $index"], 'the proof of another leaf');
        demand(head($note, $origin, $node) === [$size, $root], 'a proof under another head');
        $climbed = climbed($index, $size, hash('sha256', "\x00$leaf", true), array_map('base64', $path));
        demand($climbed === $root, 'the path leads to another root');
    }
    return "VALID: $size leaves of $origin";
}

try {
    echo audit($argv[1], $argv[2]), "\n";
} catch (Throwable $error) {
    fwrite(STDERR, "NOT VALID: {$error->getMessage()}\n");
    exit(1);
}
