import { expect, test } from 'vitest';
import { withField, without } from './mending';

test('a clause is taken out where it stands alone', () => {
  expect(without('level:error service:x', 'level:error service:x', 'service:x')).toBe('level:error');
  expect(without('service:x | top host', 'service:x ', 'service:x')).toBe('| top host');
  expect(without('a service:x b | top host', 'a service:x b ', 'service:x')).toBe('a b | top host');
});

test('it is left where taking it out would mean something else, or it is spelt otherwise', () => {
  expect(without('a OR service:x b', 'a OR service:x b', 'service:x')).toBeNull();
  expect(without('-service:x b', '-service:x b', 'service:x')).toBeNull();
  expect(without('Service:x b', 'Service:x b', 'service:x')).toBeNull();
});

test('a field gets another name, and its values do not', () => {
  expect(withField('serivce:web -serivce:serivces', 'serivce', 'service')).toBe(
    'service:web -service:serivces',
  );
  expect(withField('| where statsu>1 | stats max(statsu) by statsu, statsus', 'statsu', 'status')).toBe(
    '| where status>1 | stats max(status) by status, statsus',
  );
});
