"""Events in: durable before the answer, sealed once into the lake."""
