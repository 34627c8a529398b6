"""The network of the VisionLLM tab, how it is trained and how it is measured."""
