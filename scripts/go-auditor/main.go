// Go-auditor checks a mirror of a usage log with the Go project's own transparency log packages
// (golang.org/x/mod/sumdb/note and tlog) and crypto/ed25519. It shares no code with the node.
//
//		go-auditor -space space.vkey -register register.jws -tiles MIRROR [-witness witness.vkey] [-receipt R.sdjwt -proof R.tlog-proof]
//
//	 1. The space's key signed the register, which names the node's receipt key and log key.
//	 2. The log key signed the mirror's checkpoint, and the witness, if one is named, cosigned it.
//	 3. The tiles give its root; every entry hashes to its place.
//	 4. The receipt key signed every entry; the first alone is a genesis, times do not go back, no jti occurs twice.
//	    Where the register says that a key ended, that is the one before up to there and the one after from there on.
//	 5. The receipt is the entry its proof names, its disclosures are the entry's, and the proof leads to a
//	    checkpoint of this very log.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"filippo.io/edwards25519"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height    = 8
	width     = 1 << height
	leafBytes = 2560
	suite     = "yanmen-1-Ed25519-SHA256"
	sizeMax   = 100_000_000
)

type party struct {
	ID         string `json:"id"`
	Role       string `json:"role"`
	SigningKey string `json:"signing_key"`
	LogKey     string `json:"log_key"`
	FormerKeys []struct {
		End    string `json:"end"`
		Index  int64  `json:"index"`
		Key    string `json:"key"`
		Origin string `json:"origin"`
		Use    string `json:"use"`
	} `json:"former_keys"`
}

// span is a key and the first index that it does not count for.
type span struct {
	bound  int64
	public ed25519.PublicKey
}

// keyring says which key counts where in one log.
type keyring []span

func (k keyring) at(index int64) ed25519.PublicKey {
	for _, one := range k {
		if index < one.bound {
			return one.public
		}
	}
	return k[len(k)-1].public
}

// place returns the year of a log and its number in that year, as one number.
func place(origin string) (int64, error) {
	year, number, many := strings.Cut(origin[strings.LastIndex(origin, "/")+1:], "-")
	if !many {
		number = "1"
	}
	y, err := strconv.ParseInt(year, 10, 32)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(number, 10, 32)
	return y*1000 + n, err
}

// keys returns the node's keys for one use ("receipt" or "log") in the log origin, in order.
func (p party) keys(use, origin string) (keyring, error) {
	here, err := place(origin)
	if err != nil {
		return nil, err
	}
	var ring keyring
	for _, one := range p.FormerKeys {
		there, err := place(one.Origin)
		if err != nil {
			return nil, err
		}
		if one.Use != use || there < here {
			continue
		}
		public, err := key(one.Key)
		if err != nil {
			return nil, err
		}
		bound := one.Index
		if there > here {
			bound = sizeMax
		} else if use == "receipt" && one.End == "rotated" {
			bound++
		}
		ring = append(ring, span{bound, public})
	}
	now := p.SigningKey
	if use == "log" {
		now = p.LogKey
	}
	public, err := key(now)
	return append(ring, span{sizeMax, public}), err
}

type leaf struct {
	SD    []string `json:"_sd"`
	SDAlg string   `json:"_sd_alg"`
	Iat   int64    `json:"iat"`
	Iss   string   `json:"iss"`
	Jti   string   `json:"jti"`
	Stage string   `json:"stage"`
	Suite string   `json:"suite"`
}

// unbase64 decodes text and refuses any other spelling of the same bytes.
func unbase64(encoding *base64.Encoding, text string) ([]byte, error) {
	data, err := encoding.Strict().DecodeString(text)
	if err == nil && strings.ContainsAny(text, "\r\n") { // which the package skips
		err = errors.New("base64 that is not canonical")
	}
	return data, err
}

// headers holds the encoded headers that were read already, and the type each is of: all leaves have the same.
var headers = map[string]string{}

// headerType returns the type that an encoded JWS header names.
func headerType(encoded string) (string, error) {
	if typ, ok := headers[encoded]; ok {
		return typ, nil
	}
	decoded, err := unbase64(base64.RawURLEncoding, encoded)
	if err != nil {
		return "", err
	}
	header := map[string]string{}
	if err := json.Unmarshal(decoded, &header); err != nil {
		return "", err
	}
	if len(header) != 3 || header["alg"] != "Ed25519" || header["kid"] == "" {
		return "", errors.New("header of another kind of JWS")
	}
	if len(headers) < 16 {
		headers[encoded] = header["typ"]
	}
	return header["typ"], nil
}

func key(text string) (ed25519.PublicKey, error) {
	data, err := unbase64(base64.RawURLEncoding, text)
	if err != nil {
		return nil, err
	}
	return data, checkPublic(data)
}

// checkPublic refuses what libsodium refuses and crypto/ed25519 does not: a key that is not the canonical encoding of
// a point of the main subgroup. With such a key both accept the same signatures but for an R that is the identity.
func checkPublic(public []byte) error {
	if len(public) != ed25519.PublicKeySize {
		return errors.New("a key is not 32 bytes")
	}
	point, err := new(edwards25519.Point).SetBytes(public)
	if err != nil {
		return errors.New("a key is not a point")
	}
	identity := edwards25519.NewIdentityPoint()
	// The order of the subgroup less one, times the point, is its negative only if the point is in the subgroup.
	product := new(edwards25519.Point).ScalarMult(lessOne, point)
	if !bytes.Equal(point.Bytes(), public) || point.Equal(identity) == 1 || product.Add(product, point).Equal(identity) != 1 {
		return errors.New("a key is not of prime order")
	}
	return nil
}

var lessOne = new(edwards25519.Scalar).Negate(one())

func one() *edwards25519.Scalar {
	scalar, err := new(edwards25519.Scalar).SetCanonicalBytes(append([]byte{1}, make([]byte, 31)...))
	if err != nil {
		panic(err)
	}
	return scalar
}

// verify is ed25519.Verify without the one R of low order that a key of prime order leaves possible.
func verify(public ed25519.PublicKey, message, signature []byte) bool {
	identity := append([]byte{1}, make([]byte, 31)...)
	if len(signature) == ed25519.SignatureSize && bytes.Equal(signature[:32], identity) {
		return false
	}
	return ed25519.Verify(public, message, signature)
}

// openJWS returns the payload of a compact JWS of type typ that public signed.
func openJWS(token string, public ed25519.PublicKey, typ string) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a compact JWS")
	}
	signature, err := unbase64(base64.RawURLEncoding, parts[2])
	if err != nil {
		return nil, err
	}
	if !verify(public, []byte(token[:len(parts[0])+1+len(parts[1])]), signature) {
		return nil, errors.New("signature does not verify")
	}
	if found, err := headerType(parts[0]); err != nil || found != typ {
		return nil, errors.New("header of another kind of JWS")
	}
	return unbase64(base64.RawURLEncoding, parts[1])
}

// spaceKey returns the raw key of a note verifier key file, which the note package checks first.
func spaceKey(path string) (ed25519.PublicKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	vkey := strings.TrimSuffix(string(data), "\n")
	if _, err := note.NewVerifier(vkey); err != nil {
		return nil, err
	}
	typed, err := unbase64(base64.StdEncoding, strings.SplitN(vkey, "+", 3)[2])
	if err != nil {
		return nil, err
	}
	return typed[1:], checkPublic(typed[1:])
}

// readRegister returns the node with the id, once the space's key signed the register.
func readRegister(path, space, id string) (party, error) {
	public, err := spaceKey(space)
	if err != nil {
		return party{}, err
	}
	token, err := os.ReadFile(path)
	if err != nil {
		return party{}, err
	}
	payload, err := openJWS(string(token), public, "yanmen-register+jws")
	if err != nil {
		return party{}, err
	}
	var register struct {
		Parties []party `json:"parties"`
	}
	if err := json.Unmarshal(payload, &register); err != nil {
		return party{}, err
	}
	for _, found := range register.Parties {
		if found.ID == id && found.Role == "node" {
			return found, nil
		}
	}
	return party{}, errors.New("the register lists no such node")
}

// openHead returns the tree of a checkpoint of the log origin, signed with the key that counts for a head of its size.
func openHead(signed []byte, origin string, keys keyring) (tlog.Tree, error) {
	lines := strings.Split(string(signed), "\n")
	if len(lines) < 4 {
		return tlog.Tree{}, errors.New("not a checkpoint")
	}
	claimed, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	vkey, err := note.NewEd25519VerifierKey(origin, keys.at(claimed-1))
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines = strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 || size > sizeMax || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("a size that no log of this kind has")
	}
	root, err := unbase64(base64.StdEncoding, lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("a root that is no hash")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// cosigner verifies C2SP cosignatures of version 1 as a kind of note signature.
type cosigner struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }

func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return verify(c.public, append([]byte(head), msg...), sig[8:])
}

// checkCosigned demands that the witness whose key stands in the file path cosigned the checkpoint.
func checkCosigned(path string, signed []byte) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	parts := strings.SplitN(strings.TrimSuffix(string(data), "\n"), "+", 3)
	if len(parts) != 3 {
		return errors.New("not a witness key")
	}
	typed, err := unbase64(base64.StdEncoding, parts[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != 4 {
		return errors.New("not a witness key")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), typed...))
	if err := checkPublic(typed[1:]); err != nil {
		return err
	}
	witness := cosigner{parts[0], binary.BigEndian.Uint32(sum[:]), typed[1:]}
	if parts[1] != fmt.Sprintf("%08x", witness.hash) {
		return errors.New("not a witness key")
	}
	_, err = note.Open(signed, note.VerifierList(witness))
	return err
}

// mirror reads tiles from files laid out as C2SP tlog-tiles says.
type mirror struct{ root string }

func (m mirror) Height() int                         { return height }
func (m mirror) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (m mirror) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, err := m.read(strconv.Itoa(tile.L), tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		all[i] = data
	}
	return all, nil
}

func (m mirror) read(level string, index int64, count int) ([]byte, error) {
	name := fmt.Sprintf("%03d", index%1000)
	for rest := index / 1000; rest > 0; rest /= 1000 {
		name = fmt.Sprintf("x%03d/%s", rest%1000, name)
	}
	if count < width {
		name += ".p/" + strconv.Itoa(count)
	}
	return os.ReadFile(filepath.Join(m.root, "tile", level, filepath.FromSlash(name)))
}

// entries returns the leaves under the lowest tile number index.
func (m mirror) entries(index int64, count int) ([][]byte, error) {
	data, err := m.read("entries", index, count)
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for len(data) >= 2 {
		length := 2 + int(binary.BigEndian.Uint16(data))
		if length > len(data) {
			break
		}
		found, data = append(found, data[2:length]), data[length:]
	}
	if len(found) != count || len(data) != 0 {
		return nil, errors.New("entries do not fill their bundle")
	}
	return found, nil
}

// checkTree demands every tile of the tree, each hash in it, and the entries under it; visit sees each entry.
func checkTree(m mirror, tree tlog.Tree, visit func(index int64, entry []byte) error) error {
	reader := tlog.TileHashReader(tree, m)
	if root, err := tlog.TreeHash(tree.N, reader); err != nil || root != tree.Hash {
		return fmt.Errorf("the tiles do not give the root: %v", err)
	}
	for level := 0; tree.N>>(height*level) > 0; level++ {
		count := tree.N >> (height * level)
		for begin := int64(0); begin < count; begin += width {
			held := count - begin
			if held > width {
				held = width
			}
			indexes := make([]int64, held)
			for i := range indexes {
				indexes[i] = tlog.StoredHashIndex(height*level, begin+int64(i))
			}
			hashes, err := reader.ReadHashes(indexes)
			if err != nil {
				return err
			}
			if level == 0 {
				if err := checkEntries(m, begin, hashes, visit); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkEntries(m mirror, begin int64, hashes []tlog.Hash, visit func(int64, []byte) error) error {
	entries, err := m.entries(begin/width, len(hashes))
	if err != nil {
		return err
	}
	for i, entry := range entries {
		if tlog.RecordHash(entry) != hashes[i] {
			return fmt.Errorf("entry %d is not the one in the tree", begin+int64(i))
		}
		if err := visit(begin+int64(i), entry); err != nil {
			return fmt.Errorf("entry %d: %v", begin+int64(i), err)
		}
	}
	return nil
}

// history checks each leaf after the one before it.
type history struct {
	node party
	keys keyring
	iat  int64
	seen map[string]bool
}

func (h *history) visit(index int64, entry []byte) error {
	if len(entry) != leafBytes {
		return errors.New("not 2,560 bytes")
	}
	payload, err := openJWS(string(entry), h.keys.at(index), "yanmen-receipt+sd-jwt")
	if err != nil {
		return err
	}
	var said leaf
	if err := json.Unmarshal(payload, &said); err != nil {
		return err
	}
	switch {
	case said.Iss != h.node.ID:
		return errors.New("a leaf of another node")
	case said.Suite != suite || said.SDAlg != "sha-256" || len(said.SD) != 24:
		return errors.New("another suite")
	case (said.Stage == "genesis") != (index == 0):
		return errors.New("a genesis out of place")
	case said.Iat < h.iat:
		return errors.New("older than the leaf before it")
	case h.seen[said.Jti]:
		return errors.New("its jti occurs twice")
	}
	h.iat, h.seen[said.Jti] = said.Iat, true
	return nil
}

// proofIndex returns the index that a proof is for.
func proofIndex(text []byte) (int64, error) {
	lines := strings.SplitN(string(text), "\n", 3)
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return 0, errors.New("not a tlog-proof")
	}
	digits := strings.TrimPrefix(lines[1], "index ")
	index, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != digits {
		return 0, errors.New("not an index")
	}
	return index, nil
}

// checkProof returns the index of the leaf with the hash, once the proof leads from it into this tree.
func checkProof(text []byte, record tlog.Hash, origin string, keys keyring, m mirror, tree tlog.Tree) (int64, error) {
	index, err := proofIndex(text)
	if err != nil {
		return 0, err
	}
	head, signed, _ := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := unbase64(base64.StdEncoding, line)
		if err != nil || len(hash) != tlog.HashSize {
			return 0, errors.New("not a hash")
		}
		proof = append(proof, *(*tlog.Hash)(hash))
	}
	proven, err := openHead(signed, origin, keys)
	if err != nil {
		return 0, err
	}
	if proven.N > tree.N {
		return 0, errors.New("the proof is newer than the mirror")
	}
	if root, err := tlog.TreeHash(proven.N, tlog.TileHashReader(tree, m)); err != nil || root != proven.Hash {
		return 0, fmt.Errorf("the proof's checkpoint is of another history: %v", err)
	}
	return index, tlog.CheckRecord(proof, proven.N, proven.Hash, index, record)
}

// checkReceipt checks that every disclosure of the receipt is its leaf's, once, and returns the leaf.
func checkReceipt(text string, public ed25519.PublicKey) (string, error) {
	parts := strings.Split(text, "~")
	if len(parts) < 2 || parts[len(parts)-1] != "" {
		return "", errors.New("the receipt does not end in a tilde")
	}
	payload, err := openJWS(parts[0], public, "yanmen-receipt+sd-jwt")
	if err != nil {
		return "", err
	}
	var said leaf
	if err := json.Unmarshal(payload, &said); err != nil {
		return "", err
	}
	open := map[string]bool{}
	for _, digest := range said.SD {
		open[digest] = true
	}
	for _, disclosure := range parts[1 : len(parts)-1] {
		sum := sha256.Sum256([]byte(disclosure))
		digest := base64.RawURLEncoding.EncodeToString(sum[:])
		if !open[digest] {
			return "", errors.New("a disclosure is not the leaf's, or is given twice")
		}
		delete(open, digest)
	}
	return parts[0], nil
}

func audit(space, register, tiles, witness, receipt, proof string, alone bool) (string, error) {
	signed, err := os.ReadFile(filepath.Join(tiles, "checkpoint"))
	if err != nil {
		return "", err
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	id, _, _ := strings.Cut(origin, ".yanmen/usage-log/")
	node, err := readRegister(register, space, id)
	if err != nil {
		return "", fmt.Errorf("register: %v", err)
	}
	public, err := node.keys("receipt", origin)
	if err != nil {
		return "", err
	}
	logKeys, err := node.keys("log", origin)
	if err != nil {
		return "", err
	}
	tree, err := openHead(signed, origin, logKeys)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %v", err)
	}
	if witness != "" {
		if err := checkCosigned(witness, signed); err != nil {
			return "", fmt.Errorf("witness: %v", err)
		}
	}
	if alone {
		return "signatures verified, and nothing else", signaturesAlone(tiles, tree.N, public)
	}
	past := history{node: node, keys: public, seen: map[string]bool{}}
	m := mirror{tiles}
	if err := checkTree(m, tree, past.visit); err != nil {
		return "", err
	}
	said := fmt.Sprintf("VALID: %d leaves of %s", tree.N, origin)
	if receipt == "" {
		return said, nil
	}
	text, err := os.ReadFile(receipt)
	if err != nil {
		return "", err
	}
	proven, err := os.ReadFile(proof)
	if err != nil {
		return "", err
	}
	claimed, err := proofIndex(proven)
	if err != nil {
		return "", fmt.Errorf("proof: %v", err)
	}
	entry, err := checkReceipt(string(text), public.at(claimed))
	if err != nil {
		return "", fmt.Errorf("receipt: %v", err)
	}
	index, err := checkProof(proven, tlog.RecordHash([]byte(entry)), origin, logKeys, m, tree)
	if err != nil {
		return "", fmt.Errorf("proof: %v", err)
	}
	return fmt.Sprintf("%s; the receipt is leaf %d", said, index), nil
}

// signaturesAlone verifies the entries' signatures and nothing else: what an audit is measured against.
func signaturesAlone(tiles string, size int64, keys keyring) error {
	for begin := int64(0); begin < size; begin += width {
		held := size - begin
		if held > width {
			held = width
		}
		entries, err := mirror{tiles}.entries(begin/width, int(held))
		if err != nil {
			return err
		}
		for i, entry := range entries {
			at := bytes.LastIndexByte(entry, '.')
			signature, err := base64.RawURLEncoding.DecodeString(string(entry[at+1:]))
			if err != nil || !ed25519.Verify(keys.at(begin+int64(i)), entry[:at], signature) {
				return errors.New("signature does not verify")
			}
		}
	}
	return nil
}

// vectors prints, for each line "key message signature" in hex, whether it is accepted: what this program counts as signed.
func vectors(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		var fields [3][]byte
		for i, text := range strings.Split(line, " ") {
			if i > 2 {
				return errors.New("not three fields")
			}
			if fields[i], err = hex.DecodeString(text); err != nil {
				return err
			}
		}
		fmt.Println(checkPublic(fields[0]) == nil && verify(fields[0], fields[1], fields[2]))
	}
	return nil
}

func main() {
	alone := flag.Bool("signatures-alone", false, "only verify the signatures of the entries, to measure")
	file := flag.String("vectors", "", "only judge the signatures of this file, one a line")
	space := flag.String("space", "", "space.vkey, got another way than the rest")
	register := flag.String("register", "", "register.jws")
	tiles := flag.String("tiles", "", "folder of the mirror")
	witness := flag.String("witness", "", "key of a witness that must have cosigned")
	receipt := flag.String("receipt", "", "one receipt, .sdjwt")
	proof := flag.String("proof", "", "its proof, .tlog-proof")
	flag.Parse()
	if *file != "" {
		if err := vectors(*file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		return
	}
	if *space == "" || *register == "" || *tiles == "" || (*receipt == "") != (*proof == "") || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	said, err := audit(*space, *register, *tiles, *witness, *receipt, *proof, *alone)
	if err != nil {
		fmt.Fprintln(os.Stderr, "NOT VALID:", err)
		os.Exit(1)
	}
	fmt.Println(said)
}
