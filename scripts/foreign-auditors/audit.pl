#!/usr/bin/perl
# Checks an audit bundle with CryptX (LibTomCrypt) and Perl's own modules. Usage: audit.pl BUNDLE SPACE_VKEY
use strict;
use warnings;
use Crypt::PK::Ed25519;
use Digest::SHA qw(sha256);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64 encode_base64 encode_base64url decode_base64url);

my ($bundle, $space_file) = @ARGV;

sub demand { my ($holds, $what) = @_; die "$what\n" unless $holds; return }
sub text { my ($name) = @_; open my $in, '<:raw', $name or die "$name: $!\n"; local $/; my $data = <$in>; close $in; return $data }
sub base64 { my ($text) = @_; my $data = decode_base64($text); demand(encode_base64($data, '') eq $text, 'base64'); return $data }
sub base64url { my ($text) = @_; my $data = decode_base64url($text); demand(encode_base64url($data) eq $text, 'base64url'); return $data }
sub key { my ($raw) = @_; demand(length $raw == 32, 'a key is not 32 bytes'); return Crypt::PK::Ed25519->new->import_key_raw($raw, 'public') }
sub signed { my ($key, $message, $signature) = @_; return length $signature == 64 && $key->verify_message($signature, $message) }

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
    my $id = substr sha256("$origin\n\x01$raw"), 0, 4;
    my @mine = grep { substr($_, 0, 4) eq $id } map { base64($_) } $tail =~ /^\xe2\x80\x94 \Q$origin\E ([^\n ]+)$/mg;
    demand(@mine == 1 && signed(key($raw), $body, substr $mine[0], 4), 'the log did not sign the head');
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
