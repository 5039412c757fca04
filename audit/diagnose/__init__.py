"""The diagnoses: one module or package per chapter, from the case to finished figures, without a sentence."""
