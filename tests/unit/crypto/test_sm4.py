"""SM4 and SM3 are those of their standards, and a stream sealed by them opens as it was sealed or not at all."""

import io
from itertools import permutations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SM3, Hash
from yanmen.crypto.sealing import CHUNK, MAGIC, MAGIC_SM4, SALT, TAG, Sm4Gcm, open_stream, plain_size, seal_stream
from yanmen.model.config import AtRest

KEY = bytes(range(32))
HEADER = len(MAGIC_SM4) + SALT
GB_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")


class Salt:
    """One salt for all."""

    def token(self, size: int) -> bytes:
        return bytes(size)


def sealed(plain: bytes, at_rest: AtRest = AtRest.SM4, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    seal_stream(key, io.BytesIO(plain), target, Salt(), at_rest)
    return target.getvalue()


def opened(data: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    open_stream(key, io.BytesIO(data), target)
    return target.getvalue()


def test_gbt_32907_appendix_a() -> None:
    once = Cipher(SM4(GB_KEY), ECB()).encryptor()
    assert once.update(GB_KEY).hex() == "681edf34d206965e86b3e94f536e4246"


def test_gbt_32905_appendix_a() -> None:
    digest = Hash(SM3())
    digest.update(b"abc")
    assert digest.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_rfc_8998_appendix_a_1() -> None:
    nonce = bytes.fromhex("00001234567800000000abcd")
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = b"".join(bytes([each]) * 8 for each in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    said = (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert Sm4Gcm(GB_KEY).encrypt(nonce, plain, associated).hex() == said
    assert Sm4Gcm(GB_KEY).decrypt(nonce, bytes.fromhex(said), associated) == plain
    with pytest.raises(InvalidTag):
        Sm4Gcm(GB_KEY).decrypt(nonce, bytes.fromhex(said), b"")


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_every_length_opens_again(size: int) -> None:
    plain = bytes(index % 251 for index in range(size))
    data = sealed(plain)
    assert data.startswith(MAGIC_SM4)
    assert opened(data) == plain
    assert len(data) == HEADER + size + TAG * max(1, -(-size // CHUNK))
    assert plain_size(len(data)) == size


def test_every_order_of_the_chunks_but_the_sealed_one_fails() -> None:
    data, size = sealed(bytes(CHUNK) + b"x" * CHUNK), CHUNK + TAG
    chunks = [data[HEADER + number * size : HEADER + (number + 1) * size] for number in range(2)]
    for count in (1, 2):
        for order in permutations(chunks, count):
            if order != tuple(chunks):
                with pytest.raises(ValueError, match="sealed"):
                    opened(data[:HEADER] + b"".join(order))


def test_any_byte_altered_fails() -> None:
    data = sealed(b"some plaintext")
    for place in range(len(data)):
        with pytest.raises(ValueError, match="sealed"):
            opened(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def test_one_cipher_is_never_read_as_the_other() -> None:
    first, second = sealed(b"same"), sealed(b"same", AtRest.AES)
    assert first[HEADER:] != second[HEADER:]
    for wrong in (MAGIC + first[len(MAGIC) :], MAGIC_SM4 + second[len(MAGIC) :]):
        with pytest.raises(ValueError, match="altered"):
            opened(wrong)


def test_another_key_fails() -> None:
    with pytest.raises(ValueError, match="altered"):
        opened(sealed(b"x"), bytes(32))
    with pytest.raises(ValueError, match="32 bytes"):
        sealed(b"x", key=bytes(16))
