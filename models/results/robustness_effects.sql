{{ compared_result('robustness_effects') }}
