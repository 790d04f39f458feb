"""Vision-language models behind an OpenAI-compatible address, asked about each picture by multiple choice."""
