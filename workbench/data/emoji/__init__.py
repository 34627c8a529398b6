"""The emoji world: drawn emoji, captions whose frequencies are known exactly, and tasks on them."""
