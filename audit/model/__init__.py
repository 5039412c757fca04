"""The engagement's data: canonical orders, questionnaire, the frozen case, and what a chapter returns."""
