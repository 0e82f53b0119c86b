#!/usr/bin/perl
# Checks an audit bundle with CryptX (LibTomCrypt) and Perl's own modules. Usage: audit.pl BUNDLE SPACE_VKEY
use strict;
use warnings;
use Crypt::PK::Ed25519;
use Digest::SHA qw(sha256);
use JSON::PP qw(decode_json);
use Math::BigInt try => 'LTM';
use MIME::Base64 qw(decode_base64 encode_base64 encode_base64url decode_base64url);

my ($bundle, $space_file) = @ARGV;

sub demand { my ($holds, $what) = @_; die "$what\n" unless $holds; return }
sub text { my ($name) = @_; open my $in, '<:raw', $name or die "$name: $!\n"; local $/; my $data = <$in>; close $in; return $data }
sub base64 { my ($text) = @_; my $data = decode_base64($text); demand(encode_base64($data, '') eq $text, 'base64'); return $data }
sub base64url { my ($text) = @_; my $data = decode_base64url($text); demand(encode_base64url($data) eq $text, 'base64url'); return $data }
sub key { my ($raw) = @_; prime_order($raw); return Crypt::PK::Ed25519->new->import_key_raw($raw, 'public') }
sub signed { my ($key, $message, $signature) = @_; return length $signature == 64 && $key->verify_message($signature, $message) }

# Ed25519 implementations agree on keys that are canonical points of the main subgroup; no other is taken.
my $P = Math::BigInt->new(2)->bpow(255)->bsub(19);
my $L = Math::BigInt->new(2)->bpow(252)->badd('27742317777372353535851937790883648493');
my $D = Math::BigInt->new(121666)->bmodinv($P)->bmul(-121665)->bmod($P);
my %prime;

# Add two points (RFC 8032, section 5.1.4, in projective coordinates).
sub added {
    my ($x, $y, $z, $u, $v, $w) = @_;
    my ($a, $c, $d) = ($z * $w % $P, $x * $u % $P, $y * $v % $P);
    my ($b, $e) = ($a * $a % $P, $D * $c % $P * $d % $P);
    my ($f, $g) = ($b - $e, $b + $e);
    return ($a * $f % $P * (($x + $y) * ($u + $v) - $c - $d) % $P, $a * $g % $P * ($d + $c) % $P, $f * $g % $P);
}

sub prime_order {
    my ($raw) = @_;
    return if $prime{$raw};
    demand(length $raw == 32, 'a key is not 32 bytes');
    my $sign = ord(substr $raw, 31) >> 7;
    my $y = Math::BigInt->from_hex(unpack 'H*', reverse $raw)->bmod(Math::BigInt->new(2)->bpow(255));
    my $square = ($y * $y - 1) * ($D * $y % $P * $y + 1)->bmodinv($P) % $P;
    my $x = $square->copy->bmodpow(($P + 3) / 8, $P);
    $x = $x * Math::BigInt->new(2)->bmodpow(($P - 1) / 4, $P) % $P if $x * $x % $P != $square;
    demand($y < $P && $x * $x % $P == $square && !($x->is_zero && $sign), 'a key is not a canonical point');
    my @total = map { Math::BigInt->new($_) } 0, 1, 1;
    my @point = ($x % 2 == $sign ? $x : $P - $x, $y, Math::BigInt->new(1));
    for my $bit (reverse split //, substr $L->as_bin, 2) {
        @total = added(@total, @point) if $bit;
        @point = added(@point, @point);
    }
    demand($y != 1 && $total[0]->is_zero && $total[1] == $total[2], 'a key is not of prime order');
    $prime{$raw} = 1;
    return;
}

# Where a leaf stands among all of its node's logs: year, number of the log, leaf.
sub place { my ($origin, $index) = @_; my ($year, $more) = $origin =~ m{/([0-9]{4})(?:-([0-9]+))?\z} or die "not an origin\n"; return ($year, $more // 1, $index) }

# The key that counts for a leaf, or for a head by its last leaf (docs/FORMATS.md, keys that ended).
sub key_at {
    my ($party, $use, $origin, $index) = @_;
    my @here = place($origin, $index);
    for my $each (grep { $_->{use} eq $use } @{ $party->{former_keys} // [] }) {
        my @bound = place($each->{origin}, $each->{index} + ($use eq 'receipt' && $each->{end} eq 'rotated'));
        my ($order) = grep { $_ } map { $here[$_] <=> $bound[$_] } 0 .. 2;
        return base64url($each->{key}) if ($order // 0) < 0;
    }
    return base64url($party->{ $use eq 'log' ? 'log_key' : 'signing_key' });
}

# The payload of a compact JWS of one type, under one key.
sub jws {
    my ($token, $key, $typ) = @_;
    my @part = split /[.]/, $token, -1;
    demand(@part == 3, 'not a compact JWS');
    demand(signed($key, "$part[0].$part[1]", base64url($part[2])), "$typ: signature does not verify");
    my $header = decode_json(base64url($part[0]));
    demand($header->{alg} eq 'Ed25519' && $header->{typ} eq $typ && keys %$header == 3, "not a $typ");
    return decode_json(base64url($part[1]));
}

# Size and root of a note that the log signed.
sub head {
    my ($note, $origin, $node) = @_;
    my ($body, $tail) = $note =~ /\A(\Q$origin\E\n[1-9][0-9]*\n[^\n]+\n)\n((?:\xe2\x80\x94 [^\n ]+ [^\n ]+\n)+)\z/ or die "not a head of this log\n";
    my (undef, $size, $root) = split /\n/, $body;
    my $raw = key_at($node, 'log', $origin, $size - 1);
    my $key = key($raw);
    my $id = substr sha256("$origin\n\x01$raw"), 0, 4;
    my @mine = grep { substr($_, 0, 4) eq $id } map { base64($_) } $tail =~ /^\xe2\x80\x94 \Q$origin\E ([^\n ]+)$/mg;
    demand(@mine == 1 && signed($key, $body, substr $mine[0], 4), 'the log did not sign the head');
    return ($size, base64($root));
}

# The root that an audit path leads to (RFC 9162, section 2.1.3.2).
sub climbed {
    my ($index, $size, $hash, @path) = @_;
    my ($node, $last) = ($index, $size - 1);
    for my $sibling (@path) {
        demand($last > 0, 'the path is too long');
        if ($node & 1 || $node == $last) {
            $hash = sha256("\x01$sibling$hash");
            while (!($node & 1) && $node) { $node >>= 1; $last >>= 1 }
        }
        else { $hash = sha256("\x01$hash$sibling") }
        $node >>= 1; $last >>= 1;
    }
    demand($last == 0, 'the path is too short');
    return $hash;
}

sub audit {
    my ($typed) = text($space_file) =~ /\A[^+]+\+[0-9a-f]{8}\+([^\n]+)\n\z/ or die "not a space key\n";
    my $register = jws(text("$bundle/register.jws"), key(substr base64($typed), 1), 'yanmen-register+jws');
    my $stated = decode_json(text("$bundle/bundle.json"));
    my ($node) = grep { $_->{id} eq $stated->{node} && $_->{role} eq 'node' } @{ $register->{parties} };
    my $origin = $stated->{origin};
    demand($node && index($origin, "$node->{id}.yanmen/") == 0, 'the register lists no such node');
    my ($size, $root) = head(text("$bundle/checkpoint"), $origin, $node);
    my @files = glob "$bundle/leaves/*.jws";
    demand(@files == $size, 'not as many leaves as the head covers');
    for my $index (0 .. $size - 1) {
        my $name = sprintf '%08d', $index;
        my ($leaf, @disclosures) = split /~/, text("$bundle/receipts/$name.sdjwt"), -1;
        demand(pop @disclosures eq '' && $leaf eq text("$bundle/leaves/$name.jws"), 'the receipt of another leaf');
        my $said = jws($leaf, key(key_at($node, 'receipt', $origin, $index)), 'yanmen-receipt+sd-jwt');
        demand($said->{iss} eq $node->{id}, 'a leaf of another node');
        my %open = map { $_ => 1 } @{ $said->{_sd} };
        for my $disclosure (@disclosures) {
            demand(delete $open{ encode_base64url(sha256($disclosure)) }, 'a stray disclosure');
            demand(ref decode_json(base64url($disclosure)) eq 'ARRAY', 'not a disclosure');
        }
        my ($top, $note) = split /\n\n/, text("$bundle/receipts/$name.tlog-proof"), 2;
        my ($version, $line, @path) = split /\n/, $top, -1;
        demand($version eq 'c2sp.org/tlog-proof@v1' && $line eq "index $index", 'the proof of another leaf');
        my ($proven, $under) = head($note, $origin, $node);
        demand($proven == $size && $under eq $root, 'a proof under another head');
        demand(climbed($index, $size, sha256("\x00$leaf"), map { base64($_) } @path) eq $root, 'the path leads to another root');
    }
    return "VALID: $size leaves of $origin";
}

my $said = eval { audit() };
if (!defined $said) { print STDERR "NOT VALID: $@"; exit 1 }
print "$said\n";
