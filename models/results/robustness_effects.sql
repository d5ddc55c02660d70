{{ result_table('robustness_effects') }}
