FATES: dict[int, tuple[str, str]]
FIRST_DROP: int
