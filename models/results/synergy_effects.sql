{{ compared_result('synergy_effects') }}
