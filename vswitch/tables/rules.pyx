"""The Python face of the classifier: rules and keys as NumPy arrays. The algorithm and its essays are in `classifier.pyx`,
`classifier_lookup.pyx`, `classifier_block.pyx` and `subtable.pyx`, which the switch's own flow tables use as well.

A rule lives in one block of memory, with its number, and the words that its mask touches behind it.
"""
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

import numpy as np

from vswitch.errors import ConfigError
from vswitch.tables.classifier cimport (
    classifier, classifier_find, classifier_free, classifier_insert, classifier_new, classifier_remove,
    classifier_set_tries)
from vswitch.tables.classifier_block cimport CLS_BLOCK, classifier_lookup_block
from vswitch.tables.classifier_lookup cimport classifier_lookup
from vswitch.tables.cls_layout cimport NO_WORD, cls_field, cls_layout
from vswitch.tables.subtable cimport CLS_MAX_STAGES, CLS_MAX_TRIES, cls_rule

cdef enum:
    MAX_WORDS = 1024                # of a key; any number would do, this one keeps a typing error from taking all memory
    NO_RULE = -1

cdef struct stored_rule:
    cls_rule rule                   # first: a cls_rule* that a look-up gives is a stored_rule*
    int32_t number


cdef class Classifier:
    """Rules with masks and priorities over keys of 64-bit words, by tuple-space search.

    A key has `n_words` words. A rule matches the keys that are equal to its own under its mask; of those that match, the
    one with the highest priority wins. If several of them have that priority, it is not specified which.

    Parameters
    ----------
    n_words : int
        Words of a key, 1 to 1024.
    stages : sequence of int, optional
        Up to three rising word numbers where a new stage begins, for narrow masks from `lookup_mask()`. Every word
        before the first of them is in the first stage.
    prefixes : sequence of (int, int, int), optional
        Up to three fields whose prefixes are kept in tries, for the same purpose: word, shift of the field in its word,
        and bits. A field has 32 bits, or 64 (one word) or 128 (two words, the first is most significant) with shift 0.

    Raises
    ------
    ConfigError
        From any method, for an argument of the wrong type, shape or range; `key` names the argument.

    Notes
    -----
    `lookup()` takes 64 keys at a time through each mask: it hashes them all, fetches ahead, and compares only what the
    hash tables' tags do not exclude. Its time grows with the number of different masks that a key is held against; the
    number of rules hardly matters. Neither `stages` nor `prefixes` make it faster.

    Thread-safety: one thread at a time. `lookup()` works without the GIL.

    Examples
    --------
    >>> import numpy as np
    >>> table = Classifier(n_words=1)
    >>> any_web = table.insert([80], [0xFFFF], priority=1)
    >>> one_host = table.insert([0x0A000001 << 32 | 80], [0xFFFFFFFF << 32 | 0xFFFF], priority=2)
    >>> table.lookup(np.array([[0x0A000001 << 32 | 80], [80], [81]], np.uint64)).tolist() == [one_host, any_web, -1]
    True
    >>> table.remove(one_host)
    >>> table.lookup(np.array([[0x0A000001 << 32 | 80]], np.uint64)).tolist() == [any_web]
    True
    """

    cdef classifier* cls
    cdef cls_layout layout
    cdef uint8_t[1024] stages       # MAX_WORDS
    cdef stored_rule** rules        # by number; NULL: free
    cdef uint32_t n_numbers
    cdef uint32_t n_allocated
    cdef list unused                # numbers below n_numbers

    def __cinit__(self, n_words, *, stages=(), prefixes=()):
        cdef cls_field fields[CLS_MAX_TRIES]
        cdef uint32_t i
        self.unused = []
        if not 1 <= n_words <= MAX_WORDS:
            raise ConfigError(f"a key cannot have {n_words} words", key="n_words", hint="1 to 1024")
        self.layout.n_words = n_words
        self.layout.ports_word = self.layout.conj_word = NO_WORD
        self._set_stages(list(stages))
        self.cls = classifier_new(&self.layout)
        if self.cls == NULL:
            raise MemoryError
        prefixes = list(prefixes)
        if len(prefixes) > CLS_MAX_TRIES:
            raise ConfigError("there can be three prefixes at most", key="prefixes")
        memset(fields, 0, sizeof(fields))
        for i, (word, shift, n_bits) in enumerate(prefixes):
            if n_bits not in (32, 64, 128) or not 0 <= word <= n_words - (2 if n_bits == 128 else 1) or not (
                    0 <= shift <= 32 if n_bits == 32 else shift == 0):
                raise ConfigError(f"({word}, {shift}, {n_bits}) is no field of such a key", key="prefixes")
            fields[i].word = word
            fields[i].shift = shift
            fields[i].n_bits = n_bits
        classifier_set_tries(self.cls, fields, len(prefixes))

    cdef int _set_stages(self, list starts) except -1:
        cdef uint32_t i
        if len(starts) >= CLS_MAX_STAGES or sorted(set(starts)) != starts or not all(
                0 < start < self.layout.n_words for start in starts):
            raise ConfigError(f"stages cannot begin at {starts}", key="stages",
                              hint="up to three rising numbers of words, from 1")
        for i in range(self.layout.n_words):
            self.stages[i] = sum(start <= i for start in starts)
        self.layout.stages = &self.stages[0] if starts else NULL
        return 0

    def __dealloc__(self):
        cdef uint32_t i
        classifier_free(self.cls)
        for i in range(self.n_numbers):
            free(self.rules[i])
        free(self.rules)

    def __len__(self):
        return self.cls.n_rules

    @property
    def n_words(self):
        """Words of a key."""
        return self.layout.n_words

    @property
    def n_masks(self):
        """Different masks among the rules."""
        return self.cls.n_subtables

    def insert(self, key, mask, priority=0):
        """Add a rule; bits of `key` that `mask` lacks do not count.

        Parameters
        ----------
        key, mask : (n_words,) uint64
        priority : int
            Larger wins; 32 bits, signed.

        Returns
        -------
        int
            The rule's number: the smallest that no rule has, or one that a removed rule had.

        Raises
        ------
        ConfigError
            There is a rule with the same match and priority.
        """
        return self._add(self._words(key, 1, "key"), self._words(mask, 1, "mask"), checked_priority(priority))

    def insert_many(self, keys, masks, priorities):
        """Add rules, one a row; as `insert()` in this order, which ends at the first that is refused.

        Parameters
        ----------
        keys, masks : (n, n_words) uint64
        priorities : (n,) int

        Returns
        -------
        (n,) int32
            Their numbers.
        """
        cdef const uint64_t[:, ::1] all_keys = self._words(keys, 2, "keys")
        cdef const uint64_t[:, ::1] all_masks = self._words(masks, 2, "masks")
        cdef Py_ssize_t i, n = all_keys.shape[0]
        if all_masks.shape[0] != n or len(priorities) != n:
            raise ConfigError("keys, masks and priorities differ in number", key="masks")
        numbers = np.empty(n, np.int32)
        cdef int32_t[::1] out = numbers
        for i in range(n):
            out[i] = self._add(all_keys[i], all_masks[i], checked_priority(priorities[i]))
        return numbers

    cdef int32_t _add(self, const uint64_t[::1] key, const uint64_t[::1] mask, int32_t priority) except -1:
        cdef stored_rule* new = rule_new(&key[0], &mask[0], self.layout.n_words, priority)
        cdef cls_rule* old
        if new == NULL:
            raise MemoryError
        old = classifier_find(
            self.cls, new.rule.words, new.rule.values, new.rule.masks, new.rule.n_words, priority)
        if old != NULL:
            free(new)
            raise ConfigError(f"rule {(<stored_rule*>old).number} has the same match and priority", key="key")
        if not self._reserve_number() or not classifier_insert(self.cls, &new.rule):
            free(new)
            raise MemoryError
        new.number = self.unused.pop() if self.unused else <int32_t>self.n_numbers
        if new.number == <int32_t>self.n_numbers:
            self.n_numbers += 1
        self.rules[new.number] = new
        return new.number

    cdef bint _reserve_number(self) noexcept:
        cdef stored_rule** grown
        if self.n_numbers == self.n_allocated:
            grown = <stored_rule**>realloc(self.rules, (self.n_allocated * 2 + 16) * sizeof(stored_rule*))
            if grown == NULL:
                return False
            self.rules = grown
            self.n_allocated = self.n_allocated * 2 + 16
        return True

    def remove(self, number):
        """Take the rule of that number out.

        Raises
        ------
        ConfigError
            There is none.
        """
        cdef stored_rule* rule
        if not 0 <= number < self.n_numbers or self.rules[<uint32_t>number] == NULL:
            raise ConfigError(f"there is no rule {number}", key="number")
        rule = self.rules[<uint32_t>number]
        classifier_remove(self.cls, &rule.rule)
        self.rules[<uint32_t>number] = NULL
        free(rule)
        self.unused.append(number)

    def lookup(self, keys, out=None):
        """The rule that wins for each key.

        Parameters
        ----------
        keys : (n, n_words) uint64
        out : (n,) int32, optional
            Where to write the answer; a new array if it is not given.

        Returns
        -------
        (n,) int32
            Numbers of rules; -1 where none matches.
        """
        cdef const uint64_t[:, ::1] words = self._words(keys, 2, "keys")
        cdef int32_t[::1] numbers
        cdef const uint64_t* first
        cdef int32_t* answers
        cdef Py_ssize_t n = words.shape[0]
        if out is None:
            out = np.empty(n, np.int32)
        try:
            numbers = out
        except (TypeError, ValueError, BufferError):
            raise ConfigError("out is no contiguous array of int32 that can be written to", key="out") from None
        if numbers.shape[0] != n:
            raise ConfigError(f"out has {numbers.shape[0]} elements for {n} keys", key="out")
        if n:
            first = &words[0, 0]
            answers = &numbers[0]
            with nogil:
                lookup_all(self.cls, first, self.layout.n_words, n, answers)
        return out

    def lookup_mask(self, key):
        """The rule that wins for one key, and what that depends on.

        Parameters
        ----------
        key : (n_words,) uint64

        Returns
        -------
        tuple of int and (n_words,) uint64
            The rule's number, or -1; and a mask: every key that is equal under it has the same answer.
        """
        own = np.array(self._words(key, 1, "key"))
        mask = np.zeros(self.layout.n_words, np.uint64)
        cdef uint64_t[::1] words = own
        cdef uint64_t[::1] bits = mask
        cdef cls_rule* rule = classifier_lookup(self.cls, &words[0], &bits[0], False)
        return (NO_RULE if rule == NULL else (<stored_rule*>rule).number), mask

    cdef object _words(self, object value, int n_dimensions, str name):
        """The argument as a contiguous array with n_words columns."""
        if isinstance(value, np.ndarray) and value.dtype != np.uint64:
            raise ConfigError(f"{name} has elements of {value.dtype}", key=name, hint="uint64")
        try:
            array = np.ascontiguousarray(value, np.uint64)
        except (TypeError, ValueError, OverflowError):
            raise ConfigError(f"{name} is no array of uint64", key=name) from None
        if array.ndim != n_dimensions or array.shape[n_dimensions - 1] != self.layout.n_words:
            wanted = f"({self.layout.n_words},)" if n_dimensions == 1 else f"(n, {self.layout.n_words})"
            raise ConfigError(f"{name} has the shape {array.shape}", key=name, hint=wanted)
        return array


cdef int32_t checked_priority(object priority) except? -1:
    value = int(priority)
    if not -(1 << 31) < value < 1 << 31:
        raise ConfigError(f"{value} is no priority", key="priority", hint="-2147483647 to 2147483647")
    return <int32_t>value


cdef stored_rule* rule_new(const uint64_t* key, const uint64_t* mask, uint32_t n_words, int32_t priority) noexcept nogil:
    cdef uint32_t i, n = 0
    cdef stored_rule* stored
    for i in range(n_words):
        n += mask[i] != 0
    stored = <stored_rule*>calloc(1, sizeof(stored_rule) + n * (2 * sizeof(uint64_t) + sizeof(uint16_t)))
    if stored == NULL:
        return NULL
    stored.rule.priority = priority
    stored.rule.values = <uint64_t*>(stored + 1)
    stored.rule.masks = stored.rule.values + n
    stored.rule.words = <uint16_t*>(stored.rule.masks + n)
    for i in range(n_words):
        if mask[i]:
            stored.rule.words[stored.rule.n_words] = <uint16_t>i
            stored.rule.masks[stored.rule.n_words] = mask[i]
            stored.rule.values[stored.rule.n_words] = key[i] & mask[i]
            stored.rule.n_words += 1
    return stored


cdef void lookup_all(const classifier* cls, const uint64_t* keys, uint32_t n_words, Py_ssize_t n, int32_t* numbers) noexcept nogil:
    cdef cls_rule* found[CLS_BLOCK]
    cdef Py_ssize_t i = 0
    cdef uint32_t j, n_keys
    while i < n:
        n_keys = <uint32_t>(n - i) if n - i < CLS_BLOCK else <uint32_t>CLS_BLOCK
        classifier_lookup_block(cls, keys + i * n_words, n_words, n_keys, found)
        for j in range(n_keys):
            numbers[i + j] = NO_RULE if found[j] == NULL else (<stored_rule*>found[j]).number
        i += n_keys
