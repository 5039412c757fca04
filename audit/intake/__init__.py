"""Reading what the client sent: orders and questionnaire, with every row and every problem accounted for."""
